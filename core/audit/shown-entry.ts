import { type AuditEntry, type AuditFields, schemaOf, schemaVersion } from "./events.ts";

/** An entry as the API, an export and a SIEM show it. */
export interface ShownAuditEntry extends AuditEntry {
  /** The type's stable number, and the version of its fields (docs/audit-events.md). */
  readonly code: number;
  readonly schema_version: number;
}

/** Adds what a machine tells entries apart by. */
export function shownEntry(entry: AuditEntry): ShownAuditEntry & { readonly event: AuditFields } {
  return { ...entry, code: schemaOf(entry.event.type).code, schema_version: schemaVersion(entry.event) };
}
