/**
 * Audit events at the door: exactly the fields of one version of one type, each bounded, or null. What passes is
 * stored for seven years, hashed, and written to Postgres, so nothing else may.
 */
import { type AuditFields, type AuditType, eventSchemas, schemaOf } from "./events.ts";

/** Parses one event; null for an unknown type, a missing, unknown or misshapen field. */
export function parseAuditFields(value: unknown): AuditFields | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const given = value as Readonly<Record<string, unknown>>;
  const type = given["type"];
  if (typeof type !== "string" || !Object.hasOwn(eventSchemas, type)) return null;
  const { fields, later = [], check } = schemaOf(type as AuditType);
  const parsed: Record<string, unknown> = { type };
  // Each version has all fields of the one before: what is left over, or comes after a gap, is of none.
  for (const version of [fields, ...later]) {
    const names = Object.keys(version);
    if (version !== fields && !names.some((name) => Object.hasOwn(given, name))) break;
    for (const name of names) {
      const found = Object.hasOwn(given, name) ? version[name]?.parse(given[name]) : undefined;
      if (found === undefined) return null;
      parsed[name] = found;
    }
  }
  if (Object.keys(given).length !== Object.keys(parsed).length) return null;
  if (check !== undefined && !check(parsed)) return null;
  return parsed as AuditFields;
}
