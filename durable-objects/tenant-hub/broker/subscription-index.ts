import { type FilterSpec, matchesTopic } from "../../../core/topics/topic-filter.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import type { Session, SessionSubscription } from "./session.ts";

export interface IndexEntry {
  readonly session: Session;
  readonly subscription: SessionSubscription;
}

/** A shared subscription; its members take turns. */
export interface ShareGroup {
  members: number;
  turn: number;
}

interface Bucket {
  readonly entries: Map<string, IndexEntry>;
  /** Counts changes, so that what was found can be kept until the next one. */
  version: number;
}

/**
 * Finds subscriptions by topic. Every topic is a device's and names it at the fourth level, so filters
 * are kept by that level: a message is compared with its own device's filters and with those that have
 * a wildcard there, not with those of 5,000 other devices.
 */
export class SubscriptionIndex {
  private readonly buckets = new Map<string, Bucket>();
  private readonly groups = new Map<string, ShareGroup>();
  /** Moves when a bucket comes or goes; with it and the buckets' own versions nothing goes unnoticed. */
  private generation = 0;

  add(session: Session, subscription: SessionSubscription): void {
    const name = bucketOf(subscription.spec);
    let bucket = this.buckets.get(name);
    if (bucket === undefined) {
      this.generation += 1;
      bucket = { entries: new Map(), version: this.generation };
      this.buckets.set(name, bucket);
    }
    const key = entryKey(session, subscription.spec);
    if (subscription.spec.share !== null && !bucket.entries.has(key)) this.join(subscription.spec);
    bucket.entries.set(key, { session, subscription });
    this.generation += 1;
    bucket.version = this.generation;
  }

  remove(session: Session, subscription: SessionSubscription): void {
    const name = bucketOf(subscription.spec);
    const bucket = this.buckets.get(name);
    if (bucket === undefined || !bucket.entries.delete(entryKey(session, subscription.spec))) return;
    if (subscription.spec.share !== null) this.leave(subscription.spec);
    this.generation += 1;
    bucket.version = this.generation;
    if (bucket.entries.size === 0 && name !== anyDevice) this.buckets.delete(name);
  }

  private join(spec: FilterSpec): void {
    const group = this.groups.get(groupKey(spec));
    if (group === undefined) this.groups.set(groupKey(spec), { members: 1, turn: 0 });
    else group.members += 1;
  }

  private leave(spec: FilterSpec): void {
    const group = this.groups.get(groupKey(spec));
    if (group === undefined) return;
    group.members -= 1;
    if (group.members === 0) this.groups.delete(groupKey(spec));
  }

  /** The group of a shared subscription that is in the index. */
  groupOf(spec: FilterSpec): ShareGroup {
    return this.groups.get(groupKey(spec)) ?? { members: 0, turn: 0 };
  }

  /** Changes whenever `match` for a topic of this device could give something else. */
  versionFor(device: string): number {
    const own = this.buckets.get(device)?.version ?? 0;
    const any = this.buckets.get(anyDevice)?.version ?? 0;
    // Every change takes a new number and versions only grow, but a bucket that went takes its own away.
    return own === 0 ? -any : own > any ? own : any;
  }

  /** Every subscription that matches, shared ones included. */
  match(topic: TopicName, device: string): IndexEntry[] {
    const found: IndexEntry[] = [];
    for (const name of [device, anyDevice]) {
      const bucket = this.buckets.get(name);
      if (bucket === undefined) continue;
      for (const entry of bucket.entries.values())
        if (matchesTopic(entry.subscription.spec.filter, topic)) found.push(entry);
    }
    return found;
  }
}

const anyDevice = "+";

function groupKey(spec: FilterSpec): string {
  return `${spec.share ?? ""}\0${spec.filter}`;
}

function entryKey(session: Session, spec: FilterSpec): string {
  return `${groupKey(spec)}\0${session.key}`;
}

function bucketOf(spec: FilterSpec): string {
  const levels = spec.filter.split("/");
  const hash = levels.indexOf("#");
  const level = levels[3];
  return level === undefined || level === "+" || (hash !== -1 && hash <= 3) ? anyDevice : level;
}
