import type { DeviceId } from "../../../core/ids.ts";
import type { Effect } from "../broker/events.ts";
import { exportDevice, importDevice } from "../broker/handover.ts";
import { bytesOf } from "../message-rows.ts";
import { decodeBundle, encodeBundle } from "./bundle-codec.ts";
import { formatCounts, formerHomes, formerHomesOf, parseCounts, type ShardCounts } from "./counts.ts";
import { directoryName, type HubName, homeName } from "./home.ts";
import { callHub, type HandOverPart } from "./shard-call.ts";
import type { ShardHost } from "./shard-host.ts";
import { readMeta, writeMeta } from "./tables.ts";

/** Devices that leave in one sweep, one after another: 50 a second empty an object of 20,000 in 400 s. */
const sweptMax = 50;
const sweepEveryMs = 1000;
/** Devices that come home at once. */
const claimsMax = 64;

/**
 * Devices that change their home because the number of shards did.
 *
 * The new home asks the old one, which ends the device's sockets, takes it out of its tables and keeps
 * its bundle, all in one transaction; the new one stores it and says so; then the bundle goes. A crash
 * before the bundle is stored: nothing happened. Before it arrived: the new home asks again and gets the
 * same bundle. Before it was confirmed: `handover_in` remembers that it came, so that it does not come
 * twice. In none of the states do two objects hold a device, or none.
 */
export class Moves {
  private readonly host: ShardHost;
  private readonly count: number;
  /** Null on a shard that has not asked the directory yet. Written by `learn` and `sweepAll`. */
  private counts: ShardCounts | null;
  private readonly claims = new Map<DeviceId, Promise<void>>();
  private sweeping = false;
  /** Devices that are here and belong elsewhere: found once, for none is added while this object lives. */
  private strangers: DeviceId[] | null = null;

  /**
   * @param count the setting
   * @param counts the directory's history; null on a shard
   */
  constructor(host: ShardHost, count: number, counts: ShardCounts | null) {
    this.host = host;
    this.count = count;
    this.counts = counts;
  }

  /** True when no device can be anywhere but at home. */
  get isSettled(): boolean {
    return this.counts?.length === 1;
  }

  /** The directory's history; see `ShardCounts`. */
  get history(): ShardCounts {
    return this.counts ?? [this.count];
  }

  homeOf(device: DeviceId): HubName {
    return homeName(this.host.org, device, this.count);
  }

  isMine(device: DeviceId): boolean {
    return this.homeOf(device) === this.host.name;
  }

  /** Could an unknown device of this object's be somewhere else? */
  mayBeElsewhere(device: DeviceId): boolean {
    return !this.isSettled && this.isMine(device) && !this.host.state.devices.has(device);
  }

  /** Brings devices home that live here and are elsewhere; returns at once when there can be none. */
  async claimAll(devices: readonly DeviceId[]): Promise<void> {
    const missing = devices.filter((device) => this.mayBeElsewhere(device));
    for (let at = 0; at < missing.length; at += claimsMax)
      await Promise.all(missing.slice(at, at + claimsMax).map((device) => this.claim(device)));
  }

  /**
   * Brings one device home.
   * @throws when an object that may hold it does not answer: then nobody knows, and the caller says "later"
   */
  claim(device: DeviceId): Promise<void> {
    const running = this.claims.get(device);
    if (running !== undefined) return running;
    if (this.claims.size >= 4 * claimsMax) return Promise.reject(new Error("too many devices are moving; try later"));
    const claim = this.claimNow(device).finally(() => this.claims.delete(device));
    this.claims.set(device, claim);
    return claim;
  }

  private async claimNow(device: DeviceId): Promise<void> {
    const { host } = this;
    await this.learn();
    // Until the last arrival is settled, nobody could tell its old bundle from a new one.
    const unheard = this.arrivalOf(device);
    if (unheard !== null) await this.settle(device, unheard);
    for (const source of formerHomesOf(host.org, device, this.history)) {
      if (source === host.name || host.state.devices.has(device)) continue;
      const found = await this.fetch(source, device);
      if (found === null) continue;
      // Checked after the await. An empty bundle: it was removed where it was.
      if (found.parts.length > 0 && !host.state.devices.has(device)) this.store(device, found, found.parts);
      else this.forgetOwnBundle(device);
      await this.confirm(device, found);
      return;
    }
    const own = this.ownBundle(device);
    if (own.length > 0 && !host.state.devices.has(device)) this.store(device, null, own);
  }

  private async fetch(source: HubName, device: DeviceId): Promise<(Arrival & { parts: Uint8Array[] }) | null> {
    const parts: Uint8Array[] = [];
    let count = 1;
    let bundle = "";
    for (let part = 0; part < count; part += 1) {
      const answer = await this.call(source, { kind: "hand_over", device, part });
      if (answer === null) return null;
      if (part > 0 && answer.bundle !== bundle) throw new Error("a device's bundle changed while it was read");
      ({ parts: count, bundle } = answer);
      if (count > 0) parts.push(answer.data);
    }
    return { source, bundle, parts };
  }

  /** COMMIT POINT of a move: from here on the device is here. */
  private store(device: DeviceId, arrival: Arrival | null, parts: readonly Uint8Array[]): void {
    const { host } = this;
    const effects: Effect[] = [];
    importDevice(host.state, decodeBundle(parts), effects);
    host.perform(effects);
    host.alongside(() => {
      host.sql.exec("DELETE FROM handover_out WHERE device = ?", device);
      if (arrival === null) return;
      const { source, bundle } = arrival;
      host.sql.exec("INSERT INTO handover_in (device, source, bundle) VALUES (?, ?, ?)", device, source, bundle);
    });
    host.commit();
  }

  private forgetOwnBundle(device: DeviceId): void {
    this.host.sql.exec("DELETE FROM handover_out WHERE device = ?", device);
  }

  /** Tells the old home; if it does not hear it now, an alarm tells it again. */
  private async confirm(device: DeviceId, arrival: Arrival): Promise<void> {
    try {
      await this.settle(device, arrival);
    } catch {
      this.host.arm(Date.now() + sweepEveryMs);
    }
  }

  private async settle(device: DeviceId, { source, bundle }: Arrival): Promise<void> {
    await this.call(source, { kind: "handed_over", device, bundle });
    this.host.sql.exec("DELETE FROM handover_in WHERE device = ? AND bundle = ?", device, bundle);
  }

  /** An old home's answer to `hand_over`. */
  handOver(device: DeviceId, part: number): HandOverPart | null {
    const { host } = this;
    let parts = this.partsOf(device);
    if (parts === 0) {
      if (this.isMine(device)) {
        // The asker goes by another setting than this object: a release is under way, and it will ask again.
        if (host.state.devices.has(device)) throw new Error("this device is at home here");
        return null;
      }
      if (!host.state.devices.has(device))
        return this.arrivalOf(device) === null ? null : { parts: 0, bundle: "", data: new Uint8Array() };
      parts = this.pack(device);
    }
    const query = "SELECT bundle, data FROM handover_out WHERE device = ? AND part = ?";
    const [row] = host.sql.exec(query, device, part).toArray();
    if (row === undefined) throw new Error("a device's bundle has no such part");
    return { parts, bundle: String(row["bundle"]), data: bytesOf(row["data"]) };
  }

  /** COMMIT POINT: the device leaves the tables and its bundle is kept. @returns its parts */
  private pack(device: DeviceId): number {
    const { host } = this;
    host.run({ kind: "release_device", device, reference: referenceTo(host.org, device) });
    const effects: Effect[] = [];
    const bundle = exportDevice(host.state, device, host, effects);
    if (bundle === null) throw new Error("a device that is known can't be exported");
    const parts = encodeBundle(bundle);
    host.perform(effects);
    const name = crypto.randomUUID();
    const insert = "INSERT INTO handover_out (device, part, bundle, data) VALUES (?, ?, ?, ?)";
    host.alongside(() => {
      for (const [index, data] of parts.entries()) host.sql.exec(insert, device, index, name, data.buffer);
    });
    host.commit();
    return parts.length;
  }

  handedOver(device: DeviceId, bundle: string): void {
    this.host.sql.exec("DELETE FROM handover_out WHERE device = ? AND bundle = ?", device, bundle);
  }

  /** An old home asks this one to come and get a device. */
  async take(device: DeviceId): Promise<void> {
    if (!this.isMine(device)) throw new Error("this device has another home; a release is under way");
    await this.claim(device);
  }

  /** Sends some devices home. @returns whether any are left */
  async sweep(count: number, owesNothing: boolean): Promise<boolean> {
    const { host } = this;
    if (count !== this.count) return true;
    const rows = host.sql.exec("SELECT DISTINCT device FROM handover_out LIMIT ?", sweptMax).toArray();
    const leaving = rows.map((row) => row["device"] as DeviceId);
    this.strangers ??= [...host.state.devices.keys()].filter((device) => !this.isMine(device));
    this.strangers = this.strangers.filter((device) => host.state.devices.has(device));
    leaving.push(...this.strangers.slice(0, sweptMax - leaving.length));
    let failed = false;
    for (const device of leaving) {
      if (this.isMine(device)) await this.claim(device);
      else await this.call(this.homeOf(device), { kind: "take", device }).catch(() => (failed = true));
    }
    return failed || leaving.length >= sweptMax || !owesNothing || this.partsWait();
  }

  /** On waking and on an alarm. @returns whether the history has just come to its end */
  async alarm(owesNothing: () => boolean): Promise<boolean> {
    const unheard = this.host.sql.exec("SELECT * FROM handover_in LIMIT ?", sweptMax).toArray();
    for (const row of unheard) await this.confirm(row["device"] as DeviceId, arrivalIn(row));
    return await this.sweepAll(owesNothing);
  }

  /** The directory's part: until every former home is empty. */
  private async sweepAll(owesNothing: () => boolean): Promise<boolean> {
    const { host } = this;
    if (host.name !== directoryName(host.org) || this.isSettled || this.sweeping) return false;
    this.sweeping = true;
    host.arm(Date.now() + sweepEveryMs);
    const call = { kind: "sweep", count: this.count } as const;
    try {
      const left = await Promise.all(formerHomes(host.org, this.history).map((name) => this.call(name, call)));
      // With one shard nobody would look after these any more.
      if (left.some((some) => some) || this.arrivalsWait() || !owesNothing()) return false;
      this.counts = [this.count];
      writeMeta(host.sql, countsKey, formatCounts(this.counts));
      return true;
    } catch {
      return false;
    } finally {
      this.sweeping = false;
    }
  }

  /** A shard learns the history from the directory. It is not stored: the number may change and change back while it sleeps. */
  private async learn(): Promise<void> {
    const { host } = this;
    if (host.name === directoryName(host.org)) return;
    const counts = await this.call(directoryName(host.org), { kind: "counts" });
    if (counts.at(-1) !== this.count)
      throw new Error("the directory has another number of shards; a release is under way");
    this.counts = counts;
  }

  private partsOf(device: DeviceId): number {
    return Number(this.host.sql.exec("SELECT count(*) AS n FROM handover_out WHERE device = ?", device).one()["n"]);
  }

  private partsWait(): boolean {
    return this.host.sql.exec("SELECT 1 FROM handover_out LIMIT 1").toArray().length > 0;
  }

  private arrivalsWait(): boolean {
    return this.host.sql.exec("SELECT 1 FROM handover_in LIMIT 1").toArray().length > 0;
  }

  private ownBundle(device: DeviceId): Uint8Array[] {
    const rows = this.host.sql.exec("SELECT data FROM handover_out WHERE device = ? ORDER BY part", device).toArray();
    return rows.map((row) => bytesOf(row["data"]));
  }

  /** Where a device came from that the old home has not been told of. */
  private arrivalOf(device: DeviceId): Arrival | null {
    const [row] = this.host.sql.exec("SELECT * FROM handover_in WHERE device = ?", device).toArray();
    return row === undefined ? null : arrivalIn(row);
  }

  private call<Kind extends "hand_over" | "handed_over" | "take" | "sweep" | "counts">(
    name: HubName,
    call: Parameters<typeof callHub<Kind>>[3],
  ) {
    return callHub<Kind>(this.host.env.TENANT_HUB, this.host.org, name, call);
  }
}

/** One coming of a device: from where, and the name of its bundle. */
interface Arrival {
  readonly source: HubName;
  readonly bundle: string;
}

function arrivalIn(row: Record<string, SqlStorageValue>): Arrival {
  return { source: String(row["source"]), bundle: String(row["bundle"]) };
}

const countsKey = "shard_counts";

/** The directory's history as it is stored; null when it never was split. */
export function storedCounts(sql: SqlStorage): ShardCounts | null {
  return parseCounts(readMeta(sql, countsKey));
}

export function storeCounts(sql: SqlStorage, counts: ShardCounts): void {
  writeMeta(sql, countsKey, formatCounts(counts));
}

/** Where a device connects. */
export function referenceTo(org: string, device: DeviceId): string {
  return `/mqtt/${org}?device=${device}`;
}
