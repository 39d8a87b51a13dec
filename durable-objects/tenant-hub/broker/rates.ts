import type { DeviceId, UserId } from "../../../core/ids.ts";

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
    if (nowMs > this.atMs) {
      this.level = Math.min(pace.burst * scale, this.level + (nowMs - this.atMs) * perMs);
      this.atMs = nowMs;
    }
    this.level -= cost;
    if (this.level >= 0) return 0;
    return -this.level > pace.debtMax * scale ? Number.POSITIVE_INFINITY : Math.ceil(-this.level / perMs);
  }

  /** True when it has nothing to remember any more. */
  isFull(pace: Pace, scale: number, nowMs: number): boolean {
    return this.level + ((nowMs - this.atMs) * pace.perSecond * scale) / 1000 >= pace.burst * scale;
  }
}

/** What one principal has taken: all of its sessions together, so that a second client id buys nothing. */
export interface PrincipalRate {
  readonly packets: Bucket;
  readonly bytes: Bucket;
  readonly connects: Bucket;
}

/** Which bound a packet met. */
export type RateVerdict =
  | { readonly kind: "within" }
  | { readonly kind: "later"; readonly waitMs: number }
  | { readonly kind: "over"; readonly bound: "packets" | "bytes" };

const within: RateVerdict = { kind: "within" };

/** All of an object's buckets, in memory alone. */
export class Rates {
  private readonly scale: number;
  private readonly principals = new Map<DeviceId | UserId, PrincipalRate>();
  private tenant: Bucket | null = null;

  /** @param scale multiplies every bound; plain configuration for load tests */
  constructor(scale: number) {
    this.scale = scale;
  }

  of(id: DeviceId | UserId, nowMs: number): PrincipalRate {
    const known = this.principals.get(id);
    if (known !== undefined) return known;
    const bucket = ({ burst }: Pace): Bucket => new Bucket(burst * this.scale, nowMs);
    const made = { packets: bucket(packetPace), bytes: bucket(bytesPace), connects: bucket(connectPace) };
    this.principals.set(id, made);
    return made;
  }

  /** Counts a packet. @param bytes of a PUBLISH, else 0 */
  take(rate: PrincipalRate, bytes: number, nowMs: number): RateVerdict {
    this.tenant ??= new Bucket(tenantPace.burst * this.scale, nowMs);
    const packetsMs = rate.packets.take(1, packetPace, this.scale, nowMs);
    const bytesMs = bytes === 0 ? 0 : rate.bytes.take(bytes, bytesPace, this.scale, nowMs);
    const tenantMs = this.tenant.take(1, tenantPace, this.scale, nowMs);
    if (packetsMs === 0 && bytesMs === 0 && tenantMs === 0) return within;
    if (packetsMs === Number.POSITIVE_INFINITY) return { kind: "over", bound: "packets" };
    if (bytesMs === Number.POSITIVE_INFINITY) return { kind: "over", bound: "bytes" };
    return { kind: "later", waitMs: Math.max(packetsMs, bytesMs, tenantMs) };
  }

  /** Counts a CONNECT. @returns false: one too many */
  connects(id: DeviceId | UserId, nowMs: number): boolean {
    return this.of(id, nowMs).connects.take(1, connectPace, this.scale, nowMs) === 0;
  }

  /** Forgets who has nothing to be remembered for. */
  sweep(nowMs: number): void {
    for (const [id, { packets, bytes, connects }] of this.principals) {
      const idle =
        packets.isFull(packetPace, this.scale, nowMs) &&
        bytes.isFull(bytesPace, this.scale, nowMs) &&
        connects.isFull(connectPace, this.scale, nowMs);
      if (idle) this.principals.delete(id);
    }
  }

  /** How many are remembered. */
  get size(): number {
    return this.principals.size;
  }
}
