import type { KeptWafRecord } from "../../core/rpc/durable-objects.ts";
import {
  coarserRecord,
  parseWafRecord,
  recordKey,
  type WafRecord,
  wafRecordDays,
} from "../../core/tenancy/waf-record.ts";

/** Alike requests, counted. */
export interface WafCount {
  readonly record: WafRecord;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/**
 * Records of one day that are kept apart: of what was refused or found, and of the rest, so that neither pushes out
 * the other. Seven days stay under 4 MiB, whatever a flood brings; further ones are kept without where they came from.
 */
export const tellingPerDayMax = 200;
export const plainPerDayMax = 300;
/** Records in one answer: some 800 KiB at the very most. */
export const recordsReadMax = 1000;

const dayMs = 24 * 3600_000;
const dayOf = (ms: number): number => Math.floor(ms / dayMs);

type Row = { id: number; record: string; count: number; first_ms: number; last_ms: number };

/** What the firewall made of an organisation's requests: a row for each day and kind; days past the seventh are deleted. */
export class WafRecords {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS waf_records (
      id INTEGER PRIMARY KEY, day INTEGER NOT NULL, key TEXT NOT NULL, telling INTEGER NOT NULL,
      outcome TEXT NOT NULL, record TEXT NOT NULL, count INTEGER NOT NULL, first_ms INTEGER NOT NULL,
      last_ms INTEGER NOT NULL, UNIQUE (day, key)
    ) STRICT`);
  }

  /** Deletes days that are over their time. */
  prune(nowMs: number): void {
    this.#sql.exec("DELETE FROM waf_records WHERE day <= ?", dayOf(nowMs) - wafRecordDays);
  }

  /** When there is something to delete next, Unix milliseconds; null: nothing is kept. */
  nextPruneMs(): number | null {
    const { day } = this.#sql.exec<{ day: number | null }>("SELECT min(day) AS day FROM waf_records").one();
    return day === null ? null : (day + wafRecordDays) * dayMs;
  }

  /** Adds counts to today's. */
  add(counts: readonly WafCount[], nowMs: number): void {
    const day = dayOf(nowMs);
    this.prune(nowMs);
    const apart = { telling: this.#apart(day, 1), plain: this.#apart(day, 0) };
    for (const { record, count, firstAtMs, lastAtMs } of counts) {
      const kind = record.outcome === "pass" && record.findings.length === 0 && !record.partial ? "plain" : "telling";
      const known = this.#isKnown(day, recordKey(record));
      const room = apart[kind] < (kind === "telling" ? tellingPerDayMax : plainPerDayMax);
      const kept = known || room ? record : coarserRecord(record);
      if (!known && room) apart[kind] += 1;
      this.#sql.exec(
        `INSERT INTO waf_records (day, key, telling, outcome, record, count, first_ms, last_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (day, key) DO UPDATE SET count = min(count + excluded.count, ${Number.MAX_SAFE_INTEGER}),
           first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms)`,
        ...[day, recordKey(kept), kind === "telling" ? 1 : 0, kept.outcome, JSON.stringify(kept)],
        ...[count, firstAtMs, lastAtMs],
      );
    }
  }

  /** All that is kept: what was refused first, then what was only found, then the rest; the newest of each first. */
  read(nowMs: number): KeptWafRecord[] {
    const rows = this.#sql.exec<Row>(
      `SELECT id, record, count, first_ms, last_ms FROM waf_records WHERE day > ?
       ORDER BY CASE outcome WHEN 'block' THEN 0 WHEN 'log' THEN 1 ELSE 2 END, telling DESC, last_ms DESC, id DESC LIMIT ?`,
      dayOf(nowMs) - wafRecordDays,
      recordsReadMax,
    );
    return [...rows].flatMap(({ id, record, count, first_ms: firstAtMs, last_ms: lastAtMs }) => {
      // What an earlier release wrote of a rule that is no more is passed over.
      const parsed = parseWafRecord(JSON.parse(record));
      return parsed === null ? [] : [{ id: String(id), record: parsed, count, firstAtMs, lastAtMs }];
    });
  }

  #apart(day: number, telling: 0 | 1): number {
    const counted = "SELECT count(*) AS n FROM waf_records WHERE day = ? AND telling = ?";
    return this.#sql.exec<{ n: number }>(counted, day, telling).one().n;
  }

  #isKnown(day: number, key: string): boolean {
    return [...this.#sql.exec("SELECT 1 FROM waf_records WHERE day = ? AND key = ?", day, key)].length > 0;
  }
}
