import { createHash } from "node:crypto";
import type { QoS } from "../../../core/mqtt/packets.ts";
import type { TopicFilter } from "../../../core/topics/topic-filter.ts";

/** A filter that somebody in another object subscribed to, and the highest QoS that was granted. */
export type InterestEntry = readonly [filter: TopicFilter, qos: QoS];

/** What changes one side's set into the other's. */
export interface InterestChange {
  /** The digest that the change builds on; null replaces everything. */
  readonly base: string | null;
  /** The digest afterwards. */
  readonly digest: string;
  readonly put: readonly InterestEntry[];
  readonly remove: readonly TopicFilter[];
}

/**
 * A digest of a set of entries that is kept up to date entry by entry, in any order: two sides with the
 * same digest hold the same set, whatever either of them forgot, retried or did twice. It guards against
 * loss, not against an attacker: a member who made two sets collide would blind his own tenant.
 */
export class InterestDigest {
  private high = 0;
  private low = 0;

  /** Adds an entry, or takes it out again. */
  toggle([filter, qos]: InterestEntry): void {
    const hash = createHash("sha256").update(`${qos} ${filter}`, "utf8").digest();
    this.high ^= hash.readInt32BE(0);
    this.low ^= hash.readInt32BE(4);
  }

  get text(): string {
    return `${(this.high >>> 0).toString(16)}.${(this.low >>> 0).toString(16)}`;
  }
}

/** The digest of an empty set. */
export const emptyDigest = new InterestDigest().text;

/**
 * What the directory's sessions subscribe to, all together: each filter once, at the highest QoS that any
 * of them was granted. Written by `put`, `delete` and `deleteSession` as subscriptions come and go.
 */
export class Interest {
  private readonly sessions = new Map<string, Map<string, InterestEntry>>();
  /** Per filter, how many subscriptions at each QoS. */
  private readonly counts = new Map<TopicFilter, [number, number, number]>();
  private readonly sum = new InterestDigest();
  private readonly listener: (filter: TopicFilter) => void;

  /** @param listener hears of every filter that came, went or changed its QoS */
  constructor(listener: (filter: TopicFilter) => void) {
    this.listener = listener;
  }

  get digest(): string {
    return this.sum.text;
  }

  /** The filter's QoS now; null when nobody subscribes to it. */
  qosOf(filter: TopicFilter): QoS | null {
    const counts = this.counts.get(filter);
    if (counts === undefined) return null;
    return counts[2] > 0 ? 2 : counts[1] > 0 ? 1 : 0;
  }

  entries(): InterestEntry[] {
    return [...this.counts.keys()].flatMap((filter) => {
      const qos = this.qosOf(filter);
      return qos === null ? [] : [[filter, qos] as const];
    });
  }

  /** A subscription was granted, perhaps again at another QoS. */
  put(session: string, text: string, filter: TopicFilter, qos: QoS): void {
    const own = this.sessions.get(session) ?? new Map<string, InterestEntry>();
    this.sessions.set(session, own);
    const before = own.get(text);
    own.set(text, [filter, qos]);
    this.change(filter, () => {
      this.count(filter, qos, 1);
      if (before !== undefined) this.count(filter, before[1], -1);
    });
  }

  delete(session: string, text: string): void {
    const own = this.sessions.get(session);
    const before = own?.get(text);
    if (own === undefined || before === undefined) return;
    own.delete(text);
    if (own.size === 0) this.sessions.delete(session);
    const [filter, qos] = before;
    this.change(filter, () => this.count(filter, qos, -1));
  }

  deleteSession(session: string): void {
    for (const text of [...(this.sessions.get(session)?.keys() ?? [])]) this.delete(session, text);
  }

  private change(filter: TopicFilter, apply: () => void): void {
    const before = this.qosOf(filter);
    apply();
    const after = this.qosOf(filter);
    if (before === after) return;
    if (before !== null) this.sum.toggle([filter, before]);
    if (after !== null) this.sum.toggle([filter, after]);
    this.listener(filter);
  }

  private count(filter: TopicFilter, qos: QoS, by: number): void {
    const counts = this.counts.get(filter) ?? [0, 0, 0];
    counts[qos] += by;
    if (counts.every((count) => count === 0)) this.counts.delete(filter);
    else this.counts.set(filter, counts);
  }
}
