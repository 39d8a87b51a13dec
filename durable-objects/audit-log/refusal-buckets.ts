import type { EdgeRefusals } from "../../core/rpc/durable-objects.ts";

/**
 * The edge's refusals of one log, folded. Two things bound what an attacker can make us write: a
 * bucket per (gate, code, country) becomes at most one event a minute, and there are at most
 * `bucketsMax` buckets; whatever finds no room is counted in one bucket for the rest.
 */
export type Refusals = Omit<EdgeRefusals, "org">;

/** Gates × codes are a dozen; this leaves room for twenty countries at once. */
export const bucketsMax = 256;

/** A bucket is open for this long before it becomes an event, in milliseconds. */
export const bucketOpenMs = 60_000;

/** Counts in memory reach storage at most this often, in milliseconds; a crash loses no more than that. */
export const persistEveryMs = 5000;

const rest = { gate: "other", code: "other", country: "XX" } as const;
const keyOf = (refusals: Pick<Refusals, "gate" | "code" | "country">): string =>
  `${refusals.gate} ${refusals.code} ${refusals.country}`;

/** Adds refusals to a map of at most `bucketsMax` buckets and the one for the rest. */
export function fold(into: Map<string, Refusals>, added: readonly Refusals[]): void {
  for (const refusals of added) {
    const known = into.has(keyOf(refusals)) || into.size < bucketsMax;
    const bucket = known ? refusals : { ...refusals, ...rest };
    const before = into.get(keyOf(bucket));
    into.set(keyOf(bucket), {
      gate: bucket.gate,
      code: bucket.code,
      country: bucket.country,
      count: Math.min(Number.MAX_SAFE_INTEGER, (before?.count ?? 0) + bucket.count),
      firstAtMs: Math.min(before?.firstAtMs ?? bucket.firstAtMs, bucket.firstAtMs),
      lastAtMs: Math.max(before?.lastAtMs ?? bucket.lastAtMs, bucket.lastAtMs),
    });
  }
}

type Row = { gate: string; code: string; country: string; count: number; first_ms: number; last_ms: number };

/** Open buckets in SQLite. */
export class RefusalBuckets {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS refusals (
      gate TEXT NOT NULL, code TEXT NOT NULL, country TEXT NOT NULL, count INTEGER NOT NULL,
      first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, flush_ms INTEGER NOT NULL,
      PRIMARY KEY (gate, code, country)
    ) STRICT, WITHOUT ROWID`);
  }

  /** Adds folded refusals; a bucket that is new opens for a minute. */
  add(added: Iterable<Refusals>, nowMs: number): void {
    const before = new Map(this.#rows("1 = 1").map((bucket) => [keyOf(bucket), bucket]));
    const after = new Map(before);
    fold(after, [...added]);
    for (const [key, bucket] of after) {
      if (bucket === before.get(key)) continue;
      this.#sql.exec(
        `INSERT INTO refusals (gate, code, country, count, first_ms, last_ms, flush_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET count = excluded.count, first_ms = excluded.first_ms, last_ms = excluded.last_ms`,
        bucket.gate,
        bucket.code,
        bucket.country,
        bucket.count,
        bucket.firstAtMs,
        bucket.lastAtMs,
        nowMs + bucketOpenMs,
      );
    }
  }

  /** Removes and returns the buckets whose minute is over. */
  take(nowMs: number): Refusals[] {
    const due = this.#rows("flush_ms <= ?", nowMs);
    if (due.length > 0) this.#sql.exec("DELETE FROM refusals WHERE flush_ms <= ?", nowMs);
    return due;
  }

  nextFlushMs(): number | null {
    return this.#sql.exec<{ due: number | null }>("SELECT min(flush_ms) AS due FROM refusals").one().due;
  }

  #rows(condition: string, ...values: number[]): Refusals[] {
    const query = `SELECT gate, code, country, count, first_ms, last_ms FROM refusals WHERE ${condition}`;
    return [...this.#sql.exec<Row>(query, ...values)].map((row) => ({
      gate: row.gate,
      code: row.code,
      country: row.country,
      count: row.count,
      firstAtMs: row.first_ms,
      lastAtMs: row.last_ms,
    }));
  }
}
