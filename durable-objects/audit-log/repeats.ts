import type { AuditFields } from "../../core/audit/events.ts";
import { jcs } from "../../core/audit/leaf.ts";
import type { LogName } from "../../core/audit/logs.ts";
import { repeatable } from "../../core/audit/repeats.ts";
import type { EntryDraft, EntryStore } from "./entry-store.ts";
import type { SubjectKeys } from "./subject-keys.ts";

/** A failure and its repetitions are one sum for this long after the first, in milliseconds; then it begins anew. */
export const repeatsOpenMs = 60_000;

/** Sums at once. Beyond it failures are written one by one: more is stored then, and nothing is lost. */
export const repeatsMax = 1000;

type Row = {
  common: string;
  first_seq: number;
  count: number;
  first_ms: number;
  last_ms: number;
  last_request: string;
  flush_ms: number;
};

/**
 * Failures that repeat. The first is an entry at once; those that follow it within a minute are counted in a row,
 * which is as durable as an entry when the caller hears of it, and become one entry that says how many they were,
 * when the first and the last of them was, and which request that one was. What they have in common names people, so
 * the row holds a tag of it, and the first one's entry says the rest. Every method is synchronous, so callers
 * make it one transaction with whatever else they write.
 */
export class Repeats {
  readonly #sql: SqlStorage;
  readonly #entries: EntryStore;
  readonly #keys: SubjectKeys;

  constructor(sql: SqlStorage, entries: EntryStore, keys: SubjectKeys) {
    this.#sql = sql;
    this.#entries = entries;
    this.#keys = keys;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS repeats (
        common TEXT PRIMARY KEY, first_seq INTEGER NOT NULL, count INTEGER NOT NULL, first_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL, last_request TEXT NOT NULL, flush_ms INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS repeats_by_flush ON repeats (flush_ms);`);
  }

  /** Writes a single event, or counts it. @returns the number of its entry, or of the entry that it repeats */
  append(log: LogName, draft: EntryDraft, nowMs: number): number {
    const looked = repeatable(draft.event);
    if (looked === null) return this.#entries.append(log, draft, nowMs);
    const common = this.#keys.tag("repeat", jcs(looked));
    const open = this.#sql.exec<Row>("SELECT * FROM repeats WHERE common = ?", common).toArray()[0];
    if (open !== undefined && open.flush_ms > nowMs) {
      this.#sql.exec(
        `UPDATE repeats SET count = count + 1, last_ms = ?, last_request = ?,
           first_ms = CASE count WHEN 0 THEN ? ELSE first_ms END WHERE common = ?`,
        ...[nowMs, draft.requestId, nowMs, common],
      );
      return open.first_seq;
    }
    // Its minute is over, and the alarm is late.
    if (open !== undefined) this.#close(log, open, nowMs);
    const seq = this.#entries.append(log, draft, nowMs);
    if (this.#sql.exec<{ sums: number }>("SELECT count(*) AS sums FROM repeats").one().sums >= repeatsMax) return seq;
    this.#sql.exec(
      `INSERT INTO repeats (common, first_seq, count, first_ms, last_ms, last_request, flush_ms)
       VALUES (?, ?, 0, ?, ?, ?, ?)`,
      ...[common, seq, nowMs, nowMs, draft.requestId, nowMs + repeatsOpenMs],
    );
    return seq;
  }

  /** Writes the sums whose minute is over. */
  flush(log: LogName, nowMs: number): void {
    this.#closeAll(log, nowMs, this.#sql.exec<Row>("SELECT * FROM repeats WHERE flush_ms <= ?", nowMs).toArray());
  }

  /** … and those that are open: they are to say whom they count before that person is erased. */
  flushAll(log: LogName, nowMs: number): void {
    this.#closeAll(log, nowMs, this.#sql.exec<Row>("SELECT * FROM repeats").toArray());
  }

  nextFlushMs(): number | null {
    return this.#sql.exec<{ due: number | null }>("SELECT min(flush_ms) AS due FROM repeats").one().due;
  }

  #closeAll(log: LogName, nowMs: number, sums: readonly Row[]): void {
    for (const sum of sums.toSorted((a, b) => a.first_seq - b.first_seq)) this.#close(log, sum, nowMs);
  }

  #close(log: LogName, sum: Row, nowMs: number): void {
    this.#sql.exec("DELETE FROM repeats WHERE common = ?", sum.common);
    if (sum.count === 0) return;
    const first = this.#entries.get(log, sum.first_seq);
    const looked = first === null ? null : repeatable(first.event);
    if (looked === null) throw new Error(`entry ${sum.first_seq} is no failure that may be repeated`);
    const event: AuditFields = {
      type: "repeated",
      ...looked,
      first_seq: sum.first_seq,
      count: sum.count,
      first_at: new Date(sum.first_ms).toISOString(),
      last_at: new Date(sum.last_ms).toISOString(),
      last_request_id: sum.last_request,
    };
    const rest = { phase: "event", intentSeq: null, result: null, alongside: 0 } as const;
    this.#entries.append(log, { ...rest, requestId: sum.last_request, event }, nowMs);
  }
}
