/** Entries as a table (RFC 4180) that is safe to open in a spreadsheet. */
import { inertJson } from "../exports/cells.ts";
import type { AuditEntry } from "./events.ts";
import { actorOf, outcomeOf, targetOf } from "./facets.ts";

const columns = [
  ...["seq", "at", "type", "phase", "outcome", "actor", "target", "address", "country"],
  ...["request_id", "intent_seq", "result", "details", "leaf_hash"],
] as const;

/** What shows that a row is of the log; the last two stand in one row of their own, the first. */
const proofColumns = ["leaf", "proof", "checkpoint", "keys"] as const;

/** The table's first line. */
export const csvHead = line([...columns]);

/** One entry. `details`: the event's own fields, as JSON. */
export function csvLine(entry: AuditEntry): string {
  return line(cellsOf(entry));
}

/** … as tables of before have it, in which a semicolon always stood for itself. */
export const csvLineOfBefore = (entry: AuditEntry): string => csvLine(entry).replaceAll("\\u003b", ";");

/** What a row's proof is under. */
export interface CsvCheckpoint {
  /** The signed note. */
  readonly checkpoint: string;
  /** `name+id+key`. */
  readonly keys: readonly string[];
}

/** Of a table whose rows prove themselves: its columns, and the checkpoint that all of them are under. */
export function provedCsvHead({ checkpoint, keys }: CsvCheckpoint): string {
  return line([...columns, ...proofColumns]) + line([...columns.map(() => ""), "", "", checkpoint, keys.join(" ")]);
}

/**
 * One entry with its leaf and its place in the tree.
 * @param proof hashes in base64, from the leaf's sibling up
 */
export function provedCsvLine(entry: AuditEntry, leaf: string, proof: readonly string[]): string {
  return line([...cellsOf(entry), leaf, proof.join(" "), "", ""]);
}

function cellsOf(entry: AuditEntry): string[] {
  const { event } = entry;
  const { type, ...details } = event;
  return [
    ...[String(entry.seq), entry.at, type, entry.phase, outcomeOf(entry) ?? ""],
    ...[actorOf(event) ?? "", targetOf(event) ?? ""],
    "ip" in event ? (event.ip ?? "") : "",
    "country" in event ? (event.country ?? "") : "",
    ...[entry.request_id, entry.intent_seq === null ? "" : String(entry.intent_seq), entry.result ?? ""],
    ...[inertJson(details), entry.leaf_hash],
  ];
}

function line(cells: readonly string[]): string {
  return `${cells.map(cell).join(",")}\r\n`;
}

/**
 * Quoted always, a quote doubled (RFC 4180 section 2.7). A cell that a spreadsheet would take for a formula begins
 * with an apostrophe (ASVS 1.2.10): what a client calls itself is a stranger's text.
 */
function cell(text: string): string {
  const inert = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${inert.replaceAll('"', '""')}"`;
}
