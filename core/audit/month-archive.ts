/**
 * A month of a placement's audit table as it is kept after its seven years: parts of lines `{"seq":1,"leaf":"…"}`, each
 * of one log, and a manifest that names them. The manifest's SHA-256 is the seal: it stands in the audit log, which is
 * signed, and in the database. Leaves hold commitments where a person stands, so nothing here is personal.
 */
import type { LogName } from "./logs.ts";

export const monthArchiveFormat = "sentinel-audit-month/1";

export interface MonthEntry {
  readonly log: LogName;
  readonly seq: number;
  readonly leafJson: string;
}

export interface MonthPart {
  /** Behind the month's folder. */
  readonly name: string;
  readonly log: LogName;
  readonly first: number;
  readonly last: number;
  readonly entries: number;
  /** Of the part's bytes, hex. */
  readonly sha256: string;
}

export interface MonthManifest {
  readonly format: typeof monthArchiveFormat;
  readonly placement: string;
  /** `2026-01`. */
  readonly month: string;
  readonly entries: number;
  readonly parts: readonly MonthPart[];
  /** The checkpoint of each log that its entries were held against: a signed note. */
  readonly checkpoints: Readonly<Record<string, string>>;
}

/** Years that an entry stands in the audit table, counted from the end of its month, as the database counts. */
const keptYears = 7;

/** Whether a leaf's month ended so long ago that it may have left the table; by the leaf's own word, which is signed. */
export function mayHaveLeft(leafJson: string, nowMs: number): boolean {
  let at: unknown;
  try {
    ({ at } = JSON.parse(leafJson) as { at?: unknown });
  } catch {
    return false;
  }
  const written = new Date(typeof at === "string" ? at : Number.NaN);
  return Date.UTC(written.getUTCFullYear() + keptYears, written.getUTCMonth() + 1) <= nowMs;
}

export function monthLines(entries: readonly MonthEntry[]): string {
  return entries.map(({ seq, leafJson }) => `${JSON.stringify({ seq, leaf: leafJson })}\n`).join("");
}

/** The entries of a part, as they were written. @throws SyntaxError for what is no part */
export function parseMonthLines(log: LogName, text: string): MonthEntry[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const { seq, leaf } = JSON.parse(line) as { seq?: unknown; leaf?: unknown };
      if (typeof leaf !== "string" || !Number.isSafeInteger(seq)) throw new SyntaxError("a line is no entry");
      return { log, seq: seq as number, leafJson: leaf };
    });
}
