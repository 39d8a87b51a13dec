/**
 * Judges one log's rows of audit.events, in the order of their sequence numbers, by docs/audit-leaf.md
 * alone. Pure: rows in, the first thing wrong out.
 *
 * Entries of months that were dropped after their seven years are told from entries that are missing
 * (dropped-months.ts). What no table can show by itself: entries that are missing at the end, and a log that was rewritten
 * as a whole with hashes that fit. Both need a head that was published elsewhere.
 */
import { createHash } from "node:crypto";
import { personalFields } from "../../../core/audit/events.ts";
import { commit, jcs, leafHash, type Sha256, saltBytes } from "../../../core/audit/leaf.ts";
import type { DroppedMonths } from "./dropped-months.ts";

export interface EventRow {
  readonly log: string;
  /** Postgres's bigint as text. */
  readonly seq: string;
  /** Milliseconds since 1970, as text. */
  readonly at_ms: string;
  readonly request_id: string;
  readonly phase: string;
  readonly intent_seq: string | null;
  readonly result: string | null;
  readonly type: string;
  readonly leaf_json: string;
  readonly leaf_hash: string;
  /** What is still stored of the fields that name a person. */
  readonly personal: readonly PersonalRow[];
}

export interface PersonalRow {
  readonly field: string;
  readonly value: unknown;
  /** base64url. */
  readonly salt: string;
}

export interface BadEntry {
  readonly seq: number;
  /** Stable, snake_case. */
  readonly reason: string;
  readonly detail: string;
}

const members = ["at", "event", "intent_seq", "log", "phase", "request_id", "result", "seq", "version"];

const sha256: Sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

type Leaf = Readonly<Record<string, unknown>>;
type Problem = Omit<BadEntry, "seq"> | null;

/** One log, from its first row to its last. After the first bad entry nothing more is judged. */
export class LeafChecker {
  readonly #log: string;
  readonly #dropped: DroppedMonths;
  #lastSeq = 0;
  #lastAt = "";
  /** Intents whose outcome has not come yet, with the request that opened each. */
  readonly #open = new Map<number, string>();
  readonly #goneRanges: (readonly [first: number, last: number])[] = [];
  bad: BadEntry | null = null;
  entries = 0;
  commitments = 0;
  /** Entries that were in months which are over and dropped, and those months. */
  gone = 0;
  readonly goneMonths = new Set<string>();

  constructor(log: string, dropped: DroppedMonths) {
    [this.#log, this.#dropped] = [log, dropped];
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get openIntents(): number {
    return this.#open.size;
  }

  take(row: EventRow): void {
    if (this.bad !== null) return;
    const seq = Number(row.seq);
    const problem = this.#place(seq, Number(row.at_ms)) ?? this.#judge(row, seq);
    if (problem !== null) {
      // A gap is named by the number that is missing.
      this.bad = { seq: problem.reason === "missing" ? this.#lastSeq + 1 : seq, ...problem };
      return;
    }
    this.#lastSeq = seq;
    this.entries += 1;
  }

  #place(seq: number, atMs: number): Problem {
    if (seq < 1) return { reason: "sequence_number", detail: "the first one is 1" };
    if (seq === this.#lastSeq) return { reason: "duplicate", detail: "the sequence number is there twice" };
    const count = seq - this.#lastSeq - 1;
    if (count === 0) return null;
    const after = this.#lastAt === "" ? Number.NEGATIVE_INFINITY : Date.parse(this.#lastAt);
    const months = this.#dropped.take(count, after, atMs);
    if (months.length === 0) return { reason: "missing", detail: `the next one stored is ${seq}` };
    this.gone += count;
    for (const month of months) this.goneMonths.add(month);
    this.#goneRanges.push([this.#lastSeq + 1, seq - 1]);
    return null;
  }

  #isGone(seq: number): boolean {
    return this.#goneRanges.some(([first, last]) => first <= seq && seq <= last);
  }

  #judge(row: EventRow, seq: number): Problem {
    const recomputed = leafHash(row.leaf_json, sha256);
    if (recomputed !== row.leaf_hash)
      return { reason: "leaf_hash", detail: `stored ${row.leaf_hash}, its leaf hashes to ${recomputed}` };
    const leaf = parseLeaf(row.leaf_json);
    if (typeof leaf === "string") return { reason: "leaf_encoding", detail: leaf };
    const column = disagreement(row, leaf, seq, this.#log);
    if (column !== null) return { reason: "column", detail: `the column ${column} does not say what the leaf says` };
    const at = String(leaf["at"]);
    if (at < this.#lastAt) return { reason: "time", detail: `${at} is before the entry before it (${this.#lastAt})` };
    this.#lastAt = at;
    return this.#commitments(row, leaf["event"] as Leaf) ?? this.#pair(row, seq);
  }

  #commitments(row: EventRow, event: Leaf): Problem {
    for (const field of personalFields) {
      const committed = event[field];
      if (committed === undefined || committed === null) continue;
      if (!isCommitment(committed))
        return { reason: "commitment", detail: `${field} stands in the leaf without a commitment` };
    }
    for (const { field, value, salt } of row.personal) {
      const committed = event[field];
      if (!isCommitment(committed))
        return { reason: "commitment", detail: `${field} has a value, and the leaf commits to none` };
      const bytes = Buffer.from(salt, "base64url");
      if (typeof value !== "string" || bytes.length !== saltBytes)
        return { reason: "commitment", detail: `${field} has a value or salt of the wrong form` };
      if (commit(bytes, value, sha256).sha256 !== committed.sha256)
        return { reason: "commitment", detail: `${field} is not the value that the leaf commits to` };
      this.commitments += 1;
    }
    return null;
  }

  /** An outcome closes one earlier intent of the same request, once. */
  #pair(row: EventRow, seq: number): Problem {
    if (row.phase === "intent") this.#open.set(seq, row.request_id);
    if (row.phase !== "outcome") return null;
    const intent = Number(row.intent_seq);
    // Its intent was written in the last seconds of a month that is over.
    if (this.#isGone(intent)) return null;
    if (this.#open.get(intent) !== row.request_id)
      return { reason: "outcome", detail: `${row.intent_seq} is no open intent of ${row.request_id}` };
    this.#open.delete(intent);
    return null;
  }
}

function parseLeaf(text: string): Leaf | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (jcs(value) !== text) return "it is not canonical JSON";
  } catch {
    return "it is not canonical JSON";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "it is no object";
  const leaf = value as Leaf;
  if (Object.keys(leaf).sort().join() !== members.join()) return "its members are not those of version 1";
  if (leaf["version"] !== 1) return "its version is unknown";
  if (typeof leaf["event"] !== "object" || leaf["event"] === null) return "it holds no event";
  return leaf;
}

/** The first column that differs from the leaf, or null. */
function disagreement(row: EventRow, leaf: Leaf, seq: number, log: string): string | null {
  if (row.log !== log || leaf["log"] !== log) return "log";
  if (leaf["seq"] !== seq) return "seq";
  const atMs = Number(row.at_ms);
  // To the microsecond: the column may not hold more than the leaf's milliseconds say.
  if (!Number.isInteger(atMs) || new Date(atMs).toISOString() !== leaf["at"]) return "occurred_at";
  if (leaf["request_id"] !== row.request_id) return "request_id";
  if (leaf["phase"] !== row.phase) return "phase";
  if (leaf["intent_seq"] !== (row.intent_seq === null ? null : Number(row.intent_seq))) return "intent_seq";
  if (leaf["result"] !== row.result) return "result";
  if ((leaf["event"] as Leaf)["type"] !== row.type) return "type";
  return null;
}

function isCommitment(value: unknown): value is { sha256: string } {
  if (typeof value !== "object" || value === null || Object.keys(value).join() !== "sha256") return false;
  const { sha256: digest } = value as { sha256: unknown };
  return typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest);
}
