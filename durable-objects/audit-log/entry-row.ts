import type { AuditEntry, AuditFields, AuditPhase, AuditResult } from "../../core/audit/events.ts";
import type { LogName } from "../../core/audit/logs.ts";
import type { SealedFields } from "../../core/rpc/data.ts";
import type { Personal, PersonalFields } from "./personal-fields.ts";

/** A row of entries. */
export type EntryRow = {
  seq: number;
  at_ms: number;
  request_id: string;
  phase: AuditPhase;
  intent_seq: number | null;
  result: AuditResult | null;
  type: string;
  actor: string | null;
  target: string | null;
  event: string;
  personal: string;
  leaf: string;
  leaf_hash: string;
};

/** What a row keeps of whom it names: sealed, or, of an entry from before that, in clear. */
export type Kept =
  | { readonly kind: "sealed"; readonly sealed: readonly SealedFields[] }
  | { readonly kind: "plain"; readonly personal: Personal };

/** Sealed fields as a row keeps them: `[[subject, text], …]`. */
export const writeSealed = (sealed: readonly SealedFields[]): string =>
  JSON.stringify(sealed.map((fields) => [fields.subject, fields.sealed]));

export function readKept(text: string): Kept {
  const value = JSON.parse(text) as [number, string][] | Personal;
  if (!Array.isArray(value)) return { kind: "plain", personal: value };
  return { kind: "sealed", sealed: value.map(([subject, sealed]) => ({ subject, sealed })) };
}

/** An entry without whom it names. */
export function bareEntry(log: LogName, row: EntryRow): AuditEntry {
  return {
    version: 1,
    log,
    seq: row.seq,
    at: new Date(row.at_ms).toISOString(),
    request_id: row.request_id,
    phase: row.phase,
    intent_seq: row.intent_seq,
    result: row.result,
    event: JSON.parse(row.event) as AuditFields,
    leaf_hash: row.leaf_hash,
  };
}

/** An entry as readers see it: of whom was erased, null. */
export function openEntry(log: LogName, row: EntryRow, fields: PersonalFields): AuditEntry {
  const kept = readKept(row.personal);
  const personal = kept.kind === "plain" ? kept.personal : fields.open({ log, seq: row.seq }, kept.sealed);
  const known = Object.entries(personal).map(([field, { value }]) => [field, value]);
  const entry = bareEntry(log, row);
  return { ...entry, event: { ...entry.event, ...Object.fromEntries(known) } as AuditFields };
}
