import type { QoS } from "../../../core/mqtt/packets.ts";
import { matchesTopic, parseTopicFilter, type TopicFilter } from "../../../core/topics/topic-filter.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import { type InterestChange, InterestDigest, type InterestEntry } from "./interest.ts";

/**
 * What a shard knows of the directory's interest, in SQLite and in memory. It is stored because a shard
 * that woke without it would let an acknowledged message go nowhere.
 *
 * A topic's answer is remembered until the set changes; filters are kept by the device they name, as in
 * the broker's own index.
 */
export class ForeignInterest {
  private readonly sql: SqlStorage;
  private readonly byDevice = new Map<string, Map<TopicFilter, QoS>>();
  private sum = new InterestDigest();
  private known = new Map<TopicName, QoS | null>();

  constructor(sql: SqlStorage) {
    this.sql = sql;
    for (const row of sql.exec("SELECT filter, qos FROM shard_interest")) {
      const filter = parseTopicFilter(String(row["filter"]));
      if (filter !== null) this.set(filter, qosOf(row["qos"]));
    }
  }

  get digest(): string {
    return this.sum.text;
  }

  /**
   * Applies a change; the caller holds the transaction.
   * @returns false, and does nothing, when it builds on another set than this one
   */
  apply(change: InterestChange): boolean {
    if (change.base !== null && change.base !== this.digest) return false;
    if (change.base === null) this.clear();
    for (const filter of change.remove) this.drop(filter);
    for (const entry of change.put) this.put(entry);
    this.known.clear();
    return true;
  }

  /** The highest QoS that anyone elsewhere wants this topic at; null when nobody does. */
  qosFor(topic: TopicName, device: string): QoS | null {
    const known = this.known.get(topic);
    if (known !== undefined) return known;
    let qos: QoS | null = null;
    for (const name of [device, anyDevice]) {
      for (const [filter, own] of this.byDevice.get(name) ?? [])
        if ((qos === null || own > qos) && matchesTopic(filter, topic)) qos = own;
    }
    if (this.known.size >= knownMax) this.known.clear();
    if (topic.length <= topicCharactersMax) this.known.set(topic, qos);
    return qos;
  }

  private put([filter, qos]: InterestEntry): void {
    this.drop(filter);
    this.set(filter, qos);
    this.sql.exec("INSERT OR REPLACE INTO shard_interest (filter, qos) VALUES (?, ?)", filter, qos);
  }

  private set(filter: TopicFilter, qos: QoS): void {
    const name = deviceOf(filter);
    const filters = this.byDevice.get(name) ?? new Map<TopicFilter, QoS>();
    filters.set(filter, qos);
    this.byDevice.set(name, filters);
    this.sum.toggle([filter, qos]);
  }

  private drop(filter: TopicFilter): void {
    const name = deviceOf(filter);
    const filters = this.byDevice.get(name);
    const qos = filters?.get(filter);
    if (filters === undefined || qos === undefined) return;
    filters.delete(filter);
    if (filters.size === 0) this.byDevice.delete(name);
    this.sum.toggle([filter, qos]);
    this.sql.exec("DELETE FROM shard_interest WHERE filter = ?", filter);
  }

  private clear(): void {
    this.byDevice.clear();
    this.sum = new InterestDigest();
    this.sql.exec("DELETE FROM shard_interest");
  }
}

/** Topics remembered, and the longest of them. */
const knownMax = 8192;
const topicCharactersMax = 512;

const anyDevice = "+";

/** The device's level, or `+` when a wildcard stands there or before. */
function deviceOf(filter: TopicFilter): string {
  const levels = filter.split("/");
  const hash = levels.indexOf("#");
  const level = levels[3];
  return level === undefined || level === "+" || (hash !== -1 && hash <= 3) ? anyDevice : level;
}

function qosOf(value: SqlStorageValue | undefined): QoS {
  return value === 1 || value === 2 ? value : 0;
}
