import { type DeviceId, parseId, type UserId } from "../../../core/ids.ts";
import { type HeavyClient, heaviestMax, type Use } from "../../../core/rpc/hub-limits.ts";
import { defaultLimitsPolicy, type LimitsPolicy, type MqttLimits } from "../../../core/tenancy/limits-policy.ts";

/**
 * One device's or person's packets, as a token bucket that may go into debt: `burst` at once, then `perSecond`.
 * In debt, acknowledgements wait, so that whoever heeds them slows down by himself; past the debt nobody does.
 */
export interface Pace {
  readonly perSecond: number;
  readonly burst: number;
  readonly debtMax: number;
}

/**
 * PUBLISH, SUBSCRIBE, UNSUBSCRIBE and PINGREQ. A device reports every few seconds and empties a queue after an
 * outage: a thousand at once, then a hundred a second, which is 500 devices at full pace for the 50,000 a second
 * that an object takes. The debt is what a 3.x client that can't be told may have open (`receivedMax`); a 5.0
 * client has at most our Receive Maximum open and never comes near.
 */
export const packetPace: Pace = { perSecond: 100, burst: 1000, debtMax: 1024 };
/** Bytes of PUBLISH: 64 largest packets at once, then 16 a second; the debt holds 256, our Receive Maximum. */
export const bytesPace: Pace = { perSecond: 1024 * 1024, burst: 4 * 1024 * 1024, debtMax: 16 * 1024 * 1024 };
/** CONNECTs with good credentials: a device in a loop costs its organisation's object a session each time. */
export const connectPace: Pace = { perSecond: 1, burst: 60, debtMax: 0 };
/**
 * A whole organisation's packets in one object: what keeps a crowd of devices, each within its own bounds, from
 * an object that can't keep up. It only slows down: no client is to blame.
 */
export const tenantPace: Pace = { perSecond: 20_000, burst: 100_000, debtMax: Number.POSITIVE_INFINITY };

/** What holds one principal: the platform's pace, or a slower one that the organisation chose. */
interface Paces {
  readonly packets: Pace;
  readonly bytes: Pace;
  readonly connects: Pace;
}

/**
 * The burst shrinks with the pace, so that it is paid back in the same time. The debt does not: it is what a client
 * may have open without having been told that it is too fast.
 */
function pacesOf(limits: MqttLimits): Paces {
  const slower = (pace: Pace, perSecond: number): Pace => ({
    perSecond,
    burst: Math.ceil((pace.burst * perSecond) / pace.perSecond),
    debtMax: pace.debtMax,
  });
  return {
    packets: slower(packetPace, limits.packets_per_second),
    bytes: slower(bytesPace, limits.bytes_per_second),
    connects: slower(connectPace, limits.connects_per_minute / 60),
  };
}

/** A bucket. Full when it is made, and so after an eviction: an idle object is one that nobody floods. */
export class Bucket {
  private level: number;
  private atMs: number;

  constructor(burst: number, nowMs: number) {
    this.level = burst;
    this.atMs = nowMs;
  }

  /**
   * Takes `cost`, into debt if need be. What was taken past the debt is not given back: who goes on pays on.
   * @param nowMs Unix milliseconds; time that goes back stands still
   * @returns milliseconds until the debt is paid: 0 for none, infinite past the largest one
   */
  take(cost: number, pace: Pace, scale: number, nowMs: number): number {
    const perMs = (pace.perSecond * scale) / 1000;
    // Also when no time has passed: the pace may have become a slower one.
    this.level = Math.min(pace.burst * scale, this.level + Math.max(0, nowMs - this.atMs) * perMs);
    this.atMs = Math.max(nowMs, this.atMs);
    this.level -= cost;
    if (this.level >= 0) return 0;
    return -this.level > pace.debtMax * scale ? Number.POSITIVE_INFINITY : Math.ceil(-this.level / perMs);
  }

  /** True when it has nothing to remember any more. */
  isFull(pace: Pace, scale: number, nowMs: number): boolean {
    return this.use(pace, scale, nowMs).used <= 0;
  }

  /** How much of the burst is taken. */
  use(pace: Pace, scale: number, nowMs: number): Use {
    const limit = pace.burst * scale;
    const paidBack = (Math.max(0, nowMs - this.atMs) * pace.perSecond * scale) / 1000;
    return { used: Math.max(0, limit - this.level - paidBack), limit };
  }
}

/** What one principal has taken: all of its sessions together, so that a second client id buys nothing. */
export interface PrincipalRate {
  /** Whose limits hold it. */
  readonly group: "devices" | "clients";
  readonly packets: Bucket;
  readonly bytes: Bucket;
  readonly connects: Bucket;
}

/** Which bound a packet met. */
export type RateVerdict =
  | { readonly kind: "within" }
  | { readonly kind: "later"; readonly waitMs: number }
  | { readonly kind: "over"; readonly bound: "packets" | "bytes"; readonly pace: Pace };

const within: RateVerdict = { kind: "within" };

/** All of an object's buckets, in memory alone. */
export class Rates {
  private readonly scale: number;
  private readonly principals = new Map<DeviceId | UserId, PrincipalRate>();
  private tenant: Bucket | null = null;
  private paces: { readonly devices: Paces; readonly clients: Paces };

  /** @param scale multiplies every bound; plain configuration for load tests */
  constructor(scale: number, limits: LimitsPolicy = defaultLimitsPolicy) {
    this.scale = scale;
    this.paces = { devices: pacesOf(limits.devices), clients: pacesOf(limits.clients) };
  }

  /** From the next packet on; what was taken stays taken. */
  setLimits(limits: LimitsPolicy): void {
    this.paces = { devices: pacesOf(limits.devices), clients: pacesOf(limits.clients) };
  }

  of(id: DeviceId | UserId, nowMs: number): PrincipalRate {
    const known = this.principals.get(id);
    if (known !== undefined) return known;
    const group = parseId("device", id) === null ? "clients" : "devices";
    const { packets, bytes, connects } = this.paces[group];
    const bucket = ({ burst }: Pace): Bucket => new Bucket(burst * this.scale, nowMs);
    const made = { group, packets: bucket(packets), bytes: bucket(bytes), connects: bucket(connects) } as const;
    this.principals.set(id, made);
    return made;
  }

  /** Counts a packet. @param size bytes of a PUBLISH, else 0 */
  take(rate: PrincipalRate, size: number, nowMs: number): RateVerdict {
    const { packets, bytes } = this.paces[rate.group];
    this.tenant ??= new Bucket(tenantPace.burst * this.scale, nowMs);
    const packetsMs = rate.packets.take(1, packets, this.scale, nowMs);
    const bytesMs = size === 0 ? 0 : rate.bytes.take(size, bytes, this.scale, nowMs);
    const tenantMs = this.tenant.take(1, tenantPace, this.scale, nowMs);
    if (packetsMs === 0 && bytesMs === 0 && tenantMs === 0) return within;
    if (packetsMs === Number.POSITIVE_INFINITY) return { kind: "over", bound: "packets", pace: packets };
    if (bytesMs === Number.POSITIVE_INFINITY) return { kind: "over", bound: "bytes", pace: bytes };
    return { kind: "later", waitMs: Math.max(packetsMs, bytesMs, tenantMs) };
  }

  /** Counts a CONNECT. @returns the pace that it was one too many for; null: it is within */
  connects(id: DeviceId | UserId, nowMs: number): Pace | null {
    const rate = this.of(id, nowMs);
    const pace = this.paces[rate.group].connects;
    return rate.connects.take(1, pace, this.scale, nowMs) === 0 ? null : pace;
  }

  /** Forgets who has nothing to be remembered for. */
  sweep(nowMs: number): void {
    for (const [id, rate] of this.principals) {
      const { packets, bytes, connects } = this.paces[rate.group];
      const idle =
        rate.packets.isFull(packets, this.scale, nowMs) &&
        rate.bytes.isFull(bytes, this.scale, nowMs) &&
        rate.connects.isFull(connects, this.scale, nowMs);
      if (idle) this.principals.delete(id);
    }
  }

  /** How many are remembered. */
  get size(): number {
    return this.principals.size;
  }

  /** What all principals together use of the organisation's pace in this object. */
  tenantUse(nowMs: number): Use {
    return (this.tenant ?? new Bucket(tenantPace.burst * this.scale, nowMs)).use(tenantPace, this.scale, nowMs);
  }

  /** Those that are nearest to a bound of theirs, the nearest first. */
  heaviest(nowMs: number): HeavyClient[] {
    const all = [...this.principals].map(([client, rate]): HeavyClient => {
      const { packets, bytes, connects } = this.paces[rate.group];
      return {
        client,
        packets: rate.packets.use(packets, this.scale, nowMs),
        bytes: rate.bytes.use(bytes, this.scale, nowMs),
        connects: rate.connects.use(connects, this.scale, nowMs),
      };
    });
    return nearestFirst(all);
  }
}

/** The {@link heaviestMax} that are nearest to a bound of theirs; who used nothing is not among them. */
export function nearestFirst(clients: readonly HeavyClient[]): HeavyClient[] {
  const share = ({ packets, bytes, connects }: HeavyClient): number =>
    Math.max(...[packets, bytes, connects].map(({ used, limit }) => used / limit));
  return clients
    .map((one) => ({ one, share: share(one) }))
    .filter((weighed) => weighed.share > 0)
    .toSorted((a, b) => b.share - a.share || (a.one.client < b.one.client ? -1 : 1))
    .slice(0, heaviestMax)
    .map(({ one }) => one);
}
