import {
  type Activity,
  type ActivityCount,
  type ActivityQuery,
  activityDays,
  stepsOf,
} from "../../core/audit/activity.ts";
import { auditOutcomes } from "../../core/audit/facets.ts";
import { EntrySearch } from "./entry-search.ts";

/** What counts are kept by: every zone of the world begins its hours and days at one of these. */
const spanMs = 15 * 60_000;
/** Kept for as long as a chart may ask, and a day of another zone. */
const keptMs = (Math.max(...activityDays) + 1) * 24 * 3600_000;
/** Entries counted in one turn: some 0.1 s, for which the log answers nobody else. */
export const countedPerTurnMax = 20_000;

type Row = { at_ms: number; type: ActivityCount["type"]; outcome: ActivityCount["outcome"]; count: number };

/**
 * Events by type and outcome. An append does nothing for it: everything follows from entries and their outcomes, and
 * what is not counted yet is counted before somebody reads, or when the log has something to do anyway. It names
 * nobody, so there is nothing to erase. An intent has no outcome and is counted as what closes it.
 */
export class EventCounts {
  readonly #sql: SqlStorage;
  readonly #search: EntrySearch;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.#search = new EntrySearch(sql);
    sql.exec(`
      CREATE TABLE IF NOT EXISTS event_counts (
        span INTEGER NOT NULL, type TEXT NOT NULL, outcome TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (span, type, outcome)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS counted (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL) STRICT;`);
  }

  /**
   * Counts what is not counted yet, in the caller's transaction.
   * @returns false when there is more than fits one turn
   */
  catchUp(nowMs: number): boolean {
    const sinceMs = nowMs - keptMs;
    this.#sql.exec("DELETE FROM event_counts WHERE span < ?", Math.floor(sinceMs / spanMs));
    const last = this.#sql.exec<{ seq: number }>("SELECT coalesce(max(seq), 0) AS seq FROM entries").one().seq;
    const from = this.#sql.exec<{ seq: number }>("SELECT seq FROM counted").toArray()[0]?.seq;
    // A log from before there were counts: what is too old for any chart is passed over.
    const after = from ?? this.#search.firstAt(sinceMs) - 1;
    const until = Math.min(last, after + countedPerTurnMax);
    if (until > after) {
      this.#sql.exec(
        `INSERT INTO event_counts (span, type, outcome, count)
         SELECT e.at_ms / ${spanMs}, e.type, f.value, count(*) FROM entries e
         CROSS JOIN facets f ON f.facet = 'outcome' AND f.value IN (${auditOutcomes.map((name) => `'${name}'`).join()})
           AND f.seq = e.seq
         WHERE e.seq > ? AND e.seq <= ? GROUP BY 1, 2, 3
         ON CONFLICT DO UPDATE SET count = count + excluded.count`,
        after,
        until,
      );
    }
    if (until !== from) {
      this.#sql.exec(
        "INSERT INTO counted (id, seq) VALUES (1, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq",
        Math.max(until, after),
      );
    }
    return until >= last;
  }

  /** @param query parsed by the caller */
  read(query: ActivityQuery, nowMs: number): Activity {
    const complete = this.catchUp(nowMs);
    const { fromMs, stepMs, steps } = stepsOf(query, nowMs);
    // Numbers are bound as fractions, and SQLite divides those without a rest.
    const rows = this.#sql.exec<Row>(
      `SELECT (span * ${spanMs} - CAST(?1 AS INTEGER)) / CAST(?2 AS INTEGER) * ?2 + ?1 AS at_ms, type, outcome,
         sum(count) AS count
       FROM event_counts WHERE span * ${spanMs} >= ?1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
      fromMs,
      stepMs,
    );
    const counts = [...rows].map(({ at_ms: atMs, type, outcome, count }) => ({ atMs, type, outcome, count }));
    return { fromMs, stepMs, steps, counts, complete };
  }
}
