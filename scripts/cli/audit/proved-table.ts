/**
 * A table of entries that each prove to be of a log: `csv_proofs` of the export (core/audit/csv.ts). It may be all of
 * the log or what somebody asked for, so of each row it says that it was signed, and of none that it is the only one.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { csvHead, csvLine, csvLineOfBefore } from "../../../core/audit/csv.ts";
import { checkEntry } from "../../../core/audit/entry-proof.ts";
import type { AuditEntry, AuditFields, AuditPhase, AuditResult } from "../../../core/audit/events.ts";
import { CliError } from "../cli-error.ts";
import { csvRecords, textOfFile } from "./csv-records.ts";
import { readKnownLog } from "./known-log.ts";
import { sha256 } from "./shown-log.ts";
import { verifiersOf } from "./verify-shown.ts";

export interface TableVerdict {
  readonly isGood: boolean;
  /** What is said of it, the first line to whoever reads no more. */
  readonly lines: readonly string[];
}

const ownHead = csvHead.trimEnd();
/** Cells of a row that a table without proofs has, too. */
const ownCells = ownHead.split(",").length;

/** Whether a file begins as a table of entries, with proofs or without. */
export function isTable(path: string): boolean {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(ownHead.length);
      readSync(file, bytes, 0, bytes.length, 0);
      return bytes.toString("utf8") === ownHead;
    } finally {
      closeSync(file);
    }
  } catch {
    // Whoever opens it next says why it can't be read.
    return false;
  }
}

/**
 * Holds every row of a table against the checkpoint that it names.
 * @param knownPath the log's keys, as this verifier knows them; null: those that the table itself names
 * @throws CliError `bad_table` for a table of another form, or without proofs
 */
export async function verifyTable(path: string, knownPath: string | null): Promise<TableVerdict> {
  const known = knownPath === null ? null : readKnownLog(knownPath);
  try {
    return await verify(csvRecords(textOfFile(path)), known?.keys ?? null);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError("bad_table", `${path} is not a table of audit entries: ${(error as Error).message}`);
  }
}

async function verify(records: AsyncGenerator<string[]>, known: readonly string[] | null): Promise<TableVerdict> {
  const head = (await records.next()).value as string[] | undefined;
  if (head?.[ownCells] !== "leaf")
    throw new CliError("bad_table", "its rows have no proofs: the export's format csv_proofs has");
  const [checkpoint = "", named = ""] = ((await records.next()).value as string[] | undefined)?.slice(-2) ?? [];
  const keys = verifiersOf(known ?? named.split(" "));
  const [origin = "", size = ""] = checkpoint.split("\n");
  let rows = 0;
  let last = Number.POSITIVE_INFINITY;
  let first = 0;
  for await (const cells of records) {
    const { entry, leaf, proof } = rowOf(cells);
    const refused = (why: string): TableVerdict => {
      const lines = [`✗ entry ${entry.seq}: ${why}`, `of ${origin}, signed up to entry ${size}`];
      return { isGood: false, lines };
    };
    if (entry.seq >= last) return refused("its row is there twice, or not where it belongs");
    const shown = { seq: entry.seq, size: Number(size), leaf, hashes: proof, checkpoint };
    const verdict = await checkEntry({ ...entry, event: { ...entry.event } }, shown, keys, sha256);
    if (verdict.kind === "not_proved") return refused(verdict.why);
    // What is shown again in columns of its own follows from the rest, or somebody wrote it there.
    const row = `${cells.slice(0, ownCells).map(quoted).join(",")}\r\n`;
    if (csvLine(entry) !== row && csvLineOfBefore(entry) !== row) return refused("shown_differs");
    first = Math.max(first, entry.seq);
    last = entry.seq;
    rows += 1;
  }
  const isWhole = rows > 0 && rows === Number(size) && first === rows && last === 1;
  return {
    isGood: true,
    lines: [
      `✓ ${origin}: ${rows} rows are what was signed, up to entry ${size}`,
      isWhole
        ? "They are the whole log up to there."
        : "They are not the whole log up to there: of what is left out this says nothing.",
      ...(known === null ? ["The keys are those that the table itself says: --known FILE has those you know."] : []),
    ],
  };
}

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

function rowOf(cells: readonly string[]): { entry: AuditEntry; leaf: string; proof: string[] } {
  const [seq = "", at = "", type, phase, , , , , , request_id = "", intent = "", result = ""] = cells;
  const [details = "", leaf_hash = "", leaf = "", proof = ""] = cells.slice(ownCells - 2);
  const entry: AuditEntry = {
    ...{ version: 1, log: "platform-0", seq: Number(seq), at, request_id },
    phase: phase as AuditPhase,
    intent_seq: intent === "" ? null : Number(intent),
    result: result === "" ? null : (result as AuditResult),
    event: { type, ...(JSON.parse(details) as object) } as AuditFields,
    leaf_hash,
  };
  // A hash may begin with a plus, which the table makes inert for spreadsheets.
  const hashes = proof.replace(/^'/, "");
  return { entry, leaf, proof: hashes === "" ? [] : hashes.split(" ") };
}
