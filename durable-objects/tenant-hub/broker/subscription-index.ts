import { type FilterSpec, matchesTopic, parseSubscription } from "../../../core/topics/topic-filter.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";

interface Entry<Key> {
  readonly key: Key;
  /** As subscribed, `$share` prefix included. */
  readonly text: string;
  readonly spec: FilterSpec;
}

export interface Match<Key> {
  readonly key: Key;
  readonly text: string;
  /** `group/filter` of a shared subscription: one member of each gets the message. */
  readonly share: string | null;
}

/**
 * Finds subscriptions by topic. Every topic is a device's and names it at the fourth level, so filters
 * are kept by that level: a message is compared with its own device's filters and with those that have
 * a wildcard there, not with those of 5,000 other devices.
 */
export class SubscriptionIndex<Key extends string> {
  private readonly byDevice = new Map<string, Map<string, Entry<Key>>>();

  add(key: Key, text: string): void {
    const spec = parseSubscription(text);
    if (spec === null) throw new Error("an unparsed filter reached the index");
    const bucket = bucketOf(spec);
    const entries = this.byDevice.get(bucket) ?? new Map<string, Entry<Key>>();
    entries.set(`${text}\0${key}`, { key, text, spec });
    this.byDevice.set(bucket, entries);
  }

  remove(key: Key, text: string): void {
    const spec = parseSubscription(text);
    if (spec === null) return;
    const bucket = bucketOf(spec);
    const entries = this.byDevice.get(bucket);
    entries?.delete(`${text}\0${key}`);
    if (entries?.size === 0) this.byDevice.delete(bucket);
  }

  /** Every subscription that matches. */
  match(topic: TopicName): Match<Key>[] {
    const matches: Match<Key>[] = [];
    for (const bucket of [topic.split("/")[3] ?? "", anyDevice]) {
      for (const { key, text, spec } of this.byDevice.get(bucket)?.values() ?? []) {
        if (!matchesTopic(spec.filter, topic)) continue;
        matches.push({ key, text, share: spec.share === null ? null : `${spec.share}/${spec.filter}` });
      }
    }
    return matches;
  }
}

const anyDevice = "+";

function bucketOf(spec: FilterSpec): string {
  const levels = spec.filter.split("/");
  const hash = levels.indexOf("#");
  const level = levels[3];
  return level === undefined || level === "+" || (hash !== -1 && hash <= 3) ? anyDevice : level;
}
