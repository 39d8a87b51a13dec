import { type DeviceId, parseId } from "../../core/ids.ts";
import { type RefusedDevices, refusedDevicesNamedMax } from "../../core/rpc/durable-objects.ts";
import type { GeoFacts } from "../../core/tenancy/geo-policy.ts";
import type { GeoSeen } from "../../core/tenancy/geo-seen.ts";
import { coarseNetwork, parseNetwork } from "../../core/tenancy/network.ts";

/** A device's place is written at most this often, in milliseconds; a change of country or network at once. */
const notedEveryMs = 3600_000;
/** Places are kept for this long, in milliseconds. */
const keptMs = 7 * 24 * 3600_000;

type Row = { device: string; country: string; asn: number; network: string; seen_ms: number };
/** What was written of a device in this life of the object. */
interface Noted {
  readonly country: string;
  readonly network: string;
  readonly atMs: number;
}
interface Place {
  readonly facts: GeoFacts;
  readonly country: string;
  readonly seenMs: number;
}

/** Where each device connected from last: country, operator and the /24 or /48, for seven days. */
export class GeoDevices {
  readonly #sql: SqlStorage;
  /** One for each device that connected since the object woke: some 200 bytes. Written by `note`. */
  readonly #noted = new Map<DeviceId, Noted>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS geo_devices (
      device TEXT PRIMARY KEY, country TEXT NOT NULL, asn INTEGER NOT NULL, network TEXT NOT NULL,
      seen_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`);
  }

  note(device: DeviceId, { facts, ip }: GeoSeen, nowMs: number): void {
    const network = coarseNetwork(ip);
    const { country } = facts;
    if (country === null || network === null) return;
    const before = this.#noted.get(device);
    // A device that comes back to where it was just now has nothing to write, and a statement takes 30 µs to find out.
    if (before?.country === country && before.network === network && nowMs - before.atMs < notedEveryMs) return;
    this.#sql.exec(
      `INSERT INTO geo_devices (device, country, asn, network, seen_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE
       SET country = excluded.country, asn = excluded.asn, network = excluded.network, seen_ms = excluded.seen_ms
       WHERE seen_ms < ? OR country <> excluded.country OR network <> excluded.network`,
      ...[device, country, facts.asn ?? 0, network, nowMs, nowMs - notedEveryMs],
    );
    this.#noted.set(device, { country, network, atMs: nowMs });
  }

  /**
   * @param connected devices with a socket now
   * @param isRefused whether a device that was there is one to name
   */
  refused(
    connected: readonly { readonly device: DeviceId; readonly facts: GeoFacts }[],
    nowMs: number,
    isRefused: (device: DeviceId, facts: GeoFacts) => boolean,
  ): RefusedDevices {
    this.#sql.exec("DELETE FROM geo_devices WHERE seen_ms < ?", nowMs - keptMs);
    const places = new Map<DeviceId, Place>();
    for (const row of this.#sql.exec<Row>("SELECT device, country, asn, network, seen_ms FROM geo_devices")) {
      const device = parseId("device", row.device);
      const network = parseNetwork(row.network);
      if (device === null || network === null) continue;
      const facts = { country: row.country, asn: row.asn === 0 ? null : row.asn, network };
      places.set(device, { facts, country: row.country, seenMs: row.seen_ms });
    }
    for (const { device, facts } of connected) {
      if (facts.country !== null) places.set(device, { facts, country: facts.country, seenMs: nowMs });
    }
    const refused = [...places].filter(([device, { facts }]) => isRefused(device, facts));
    const byCountry: Record<string, number> = {};
    for (const [, { country }] of refused) byCountry[country] = (byCountry[country] ?? 0) + 1;
    const devices = refused
      .toSorted(([, one], [, other]) => other.seenMs - one.seenMs)
      .slice(0, refusedDevicesNamedMax)
      .map(([device, { facts, country, seenMs }]) => ({ device, country, asn: facts.asn, seenMs }));
    return { total: refused.length, byCountry, devices };
  }
}
