/**
 * Months that left the table after their seven years and whose rows the owner dropped then: what is missing of a log
 * there is where it belongs, in the month's sealed copy (docs/runbooks/audit-copy.md). The database says so itself, in
 * `audit.retired_months`, so its word is held against what can be known here: nothing that is missing was written at
 * another time than the month's, and all logs together lack no more entries than were sealed of it.
 */
import type { Client } from "pg";

export interface DroppedMonth {
  /** `2026-01`. */
  readonly month: string;
  /** Unix milliseconds, of its first instant and of the one behind its last. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Of all logs of the database. */
  readonly entries: number;
}

export class DroppedMonths {
  readonly #months: readonly (DroppedMonth & { left: number })[];

  constructor(months: readonly DroppedMonth[]) {
    this.#months = months.map((month) => ({ ...month, left: month.entries }));
  }

  /**
   * Accounts for entries that are not there.
   * @param afterMs when the entry before them was written; -Infinity: they are a log's first
   * @param beforeMs when the entry behind them was
   * @returns the months that they were in; none when dropped months don't explain all of them
   */
  take(count: number, afterMs: number, beforeMs: number): readonly string[] {
    const within = this.#months.filter(({ fromMs, untilMs }) => afterMs < fromMs && untilMs <= beforeMs);
    if (within.reduce((sum, { left }) => sum + left, 0) < count) return [];
    let open = count;
    for (const month of within) {
      const taken = Math.min(open, month.left);
      month.left -= taken;
      open -= taken;
    }
    return within.map(({ month }) => month);
  }
}

/** As the database's own ledger has them. One whose table is still there beside the log is not among them. */
export async function readDroppedMonths(client: Client): Promise<DroppedMonths> {
  const { rows } = await client.query<{ month: string; from_ms: string; until_ms: string; entries: string }>(
    `SELECT to_char(r.month, 'YYYY-MM') AS month, r.entries::text,
            (extract(epoch FROM r.month::timestamp AT TIME ZONE 'UTC') * 1000)::float8::text AS from_ms,
            (extract(epoch FROM (r.month + interval '1 month') AT TIME ZONE 'UTC') * 1000)::float8::text AS until_ms
     FROM audit.retired_months r
     WHERE to_regclass('audit.retired_' || to_char(r.month, 'YYYY_MM')) IS NULL ORDER BY r.month`,
  );
  return new DroppedMonths(
    rows.map(({ month, from_ms, until_ms, entries }) => ({
      month,
      fromMs: Number(from_ms),
      untilMs: Number(until_ms),
      entries: Number(entries),
    })),
  );
}
