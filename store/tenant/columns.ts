import { type Id, type IdKind, parseId } from "../../core/ids.ts";
import type { Row } from "../connect.ts";

/*
 * Reads columns back into the types they were written with. What does not fit was never written by
 * us, and stops here instead of travelling on (STYLE: assert on writing and on reading back).
 */

function broken(name: string): never {
  throw new Error(`the column ${name} holds something that was never written to it`);
}

/** An identifier of one kind. */
export function idColumn<K extends IdKind>(kind: K, row: Row, name: string): Id<K> {
  return parseId(kind, row[name]) ?? broken(name);
}

/** An array of identifiers. */
export function idsColumn<K extends IdKind>(kind: K, row: Row, name: string): Id<K>[] {
  const value = row[name];
  if (!Array.isArray(value)) return broken(name);
  return value.map((item) => parseId(kind, item) ?? broken(name));
}

export function textColumn(row: Row, name: string): string {
  const value = row[name];
  return typeof value === "string" ? value : broken(name);
}

export function booleanColumn(row: Row, name: string): boolean {
  const value = row[name];
  return typeof value === "boolean" ? value : broken(name);
}

export function integerColumn(row: Row, name: string): number {
  const value = row[name];
  return Number.isSafeInteger(value) ? (value as number) : broken(name);
}

/** A timestamptz as RFC 3339 UTC with milliseconds. */
export function instantColumn(row: Row, name: string): string {
  const value = row[name];
  return value instanceof Date && Number.isFinite(value.getTime()) ? value.toISOString() : broken(name);
}

export function instantOrNullColumn(row: Row, name: string): string | null {
  return row[name] === null ? null : instantColumn(row, name);
}

/** A JSON object. */
export function objectColumn(row: Row, name: string): Record<string, unknown> {
  const value = row[name];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return broken(name);
  return value as Record<string, unknown>;
}
