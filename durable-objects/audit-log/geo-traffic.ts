import { surfaces } from "../../core/tenancy/geo-policy.ts";
import { coarser, type TrafficOrigin, trafficDaysMax } from "../../core/tenancy/geo-traffic.ts";

/** Requests of one origin. */
export interface TrafficCount extends TrafficOrigin {
  readonly count: number;
}

/** Origins of one day that are counted apart; further ones are counted by country. 30 days stay under 3 MiB. */
export const originsPerDayMax = 1000;
/** Origins in one answer: some 300 KiB. What is left is added up by country. */
export const originsReadMax = 3000;

const dayMs = 24 * 3600_000;
const dayOf = (ms: number): number => Math.floor(ms / dayMs);

type Row = { surface: string; country: string; asn: number; network: string; admitted: number; count: number };

/** Where an organisation's requests came from, a row for each day and origin; days past the thirtieth are deleted. */
export class GeoTraffic {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS geo_traffic (
      day INTEGER NOT NULL, surface TEXT NOT NULL, country TEXT NOT NULL, asn INTEGER NOT NULL, network TEXT NOT NULL,
      admitted INTEGER NOT NULL, count INTEGER NOT NULL,
      PRIMARY KEY (day, surface, country, asn, network, admitted)
    ) STRICT, WITHOUT ROWID`);
  }

  /** Deletes days that are over their time. */
  prune(nowMs: number): void {
    this.#sql.exec("DELETE FROM geo_traffic WHERE day <= ?", dayOf(nowMs) - trafficDaysMax);
  }

  /** When there is something to delete next, Unix milliseconds; null: nothing is kept. */
  nextPruneMs(): number | null {
    const { day } = this.#sql.exec<{ day: number | null }>("SELECT min(day) AS day FROM geo_traffic").one();
    return day === null ? null : (day + trafficDaysMax) * dayMs;
  }

  /** Adds counts to today's. */
  add(counts: readonly TrafficCount[], nowMs: number): void {
    const day = dayOf(nowMs);
    this.prune(nowMs);
    let apart = this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM geo_traffic WHERE day = ?", day).one().n;
    for (const count of counts) {
      const known = this.#isKnown(day, count);
      const { surface, country, asn, network, admitted } = known || apart < originsPerDayMax ? count : coarser(count);
      if (!known) apart += 1;
      this.#sql.exec(
        `INSERT INTO geo_traffic (day, surface, country, asn, network, admitted, count) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET count = min(count + excluded.count, ${Number.MAX_SAFE_INTEGER})`,
        ...[day, surface, country, asn, network, admitted ? 1 : 0, count.count],
      );
    }
  }

  /** What is kept of so many days, today's among them, added up, the most frequent first. */
  read(nowMs: number, days: number): TrafficCount[] {
    const since = dayOf(nowMs) - days;
    const sums = `SELECT surface, country, asn, network, admitted, sum(count) AS count FROM geo_traffic
      WHERE day > ? GROUP BY surface, country, asn, network, admitted ORDER BY sum(count) DESC, surface, country, network`;
    const apart = [...this.#sql.exec<Row>(`${sums} LIMIT ?`, since, originsReadMax)];
    const rest = this.#sql.exec<Row>(
      `SELECT surface, country, 0 AS asn, '' AS network, admitted, sum(count) AS count
       FROM (${sums} LIMIT -1 OFFSET ?) GROUP BY surface, country, admitted`,
      since,
      originsReadMax,
    );
    return [...apart, ...rest].flatMap(({ surface, admitted, ...row }) => {
      const known = surfaces.find((one) => one === surface);
      return known === undefined ? [] : [{ ...row, surface: known, admitted: admitted === 1 }];
    });
  }

  #isKnown(day: number, { surface, country, asn, network, admitted }: TrafficOrigin): boolean {
    const found = this.#sql.exec(
      `SELECT 1 FROM geo_traffic
       WHERE day = ? AND surface = ? AND country = ? AND asn = ? AND network = ? AND admitted = ?`,
      ...[day, surface, country, asn, network, admitted ? 1 : 0],
    );
    return [...found].length > 0;
  }
}
