import type { DeviceId } from "../../../core/ids.ts";
import { matchesTopic, type TopicFilter } from "../../../core/topics/topic-filter.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import { deliver, nextPacketId } from "./deliver.ts";
import type { Effect, RetainedRequest } from "./events.ts";
import { retainedBytesMax, retainedDeviceBytesMax, retainedTopicsMax } from "./limits.ts";
import { countedDown, Fan, isExpired, messageBytes } from "./message.ts";
import type { Message } from "./session.ts";
import type { BrokerState, RetainedEntry } from "./state.ts";
import { statusTopic } from "./topics.ts";

/**
 * Keeps a message as its topic's newest, or forgets the topic if it is empty [MQTT-3.3.1-6].
 * @returns false when there is no room for it
 */
export function retain(state: BrokerState, device: DeviceId, message: Message, effects: Effect[]): boolean {
  const { topic } = message;
  if (message.payload.length === 0) {
    forgetRetained(state, device, topic, effects);
    return true;
  }
  const bytes = messageBytes(message);
  if (!hasRoom(state, device, topic, bytes)) return false;
  const topics = state.retained.get(device) ?? new Map<TopicName, RetainedEntry>();
  state.retainedBytes += bytes - (topics.get(topic)?.bytes ?? 0);
  topics.set(topic, { bytes, expiresAtMs: message.expiresAtMs });
  state.retained.set(device, topics);
  effects.push({ kind: "write", write: { kind: "put_retained", device, message } });
  return true;
}

/** Forgets a topic's retained message, if it has one. */
export function forgetRetained(state: BrokerState, device: DeviceId, topic: TopicName, effects: Effect[]): void {
  const topics = state.retained.get(device);
  const entry = topics?.get(topic);
  if (topics === undefined || entry === undefined) return;
  topics.delete(topic);
  state.retainedBytes -= entry.bytes;
  if (topics.size === 0) state.retained.delete(device);
  effects.push({ kind: "write", write: { kind: "delete_retained", topic } });
}

/** Forgets what of a device's is retained for nobody any more. */
export function forgetExpired(state: BrokerState, device: DeviceId, now: number, effects: Effect[]): void {
  for (const [topic, entry] of [...(state.retained.get(device) ?? [])])
    if (isExpired(entry, now)) forgetRetained(state, device, topic, effects);
}

/** Presence always has room: a device must not hide that it went away by filling its topics. */
export function hasRoom(state: BrokerState, device: DeviceId, topic: TopicName, bytes: number): boolean {
  if (topic === statusTopic(state.org, device)) return true;
  const topics = state.retained.get(device);
  const before = topics?.get(topic);
  if (before === undefined && (topics?.size ?? 0) >= retainedTopicsMax) return false;
  const growth = bytes - (before?.bytes ?? 0);
  if (state.retainedBytes + growth > retainedBytesMax) return false;
  let own = growth;
  for (const entry of topics?.values() ?? []) own += entry.bytes;
  return own <= retainedDeviceBytesMax;
}

/** The retained topics that a filter matches. */
export function retainedMatching(state: BrokerState, filter: TopicFilter): TopicName[] {
  const device = filter.split("/")[3];
  const matching: TopicName[] = [];
  const look = (topics: ReadonlyMap<TopicName, RetainedEntry>): void => {
    for (const topic of topics.keys()) if (matchesTopic(filter, topic)) matching.push(topic);
  };
  const own = state.retained.get(device as DeviceId);
  if (own !== undefined) look(own);
  else if (device === undefined || device === "+" || device === "#" || hashAbove(filter))
    for (const topics of state.retained.values()) look(topics);
  return matching;
}

function hashAbove(filter: TopicFilter): boolean {
  const hash = filter.split("/").indexOf("#");
  return hash !== -1 && hash < 3;
}

/** Sends a new subscription what is retained: RETAIN is set, because it answers a subscription [MQTT-3.3.1-8]. */
export function deliverRetained(
  state: BrokerState,
  request: RetainedRequest,
  messages: readonly Message[],
  now: number,
  effects: Effect[],
): void {
  const session = state.sessions.get(request.session);
  if (session === undefined) return;
  const { qos, identifier } = request.subscription;
  const grant = { qos, retainAsPublished: true, identifiers: identifier === null ? null : [identifier] };
  for (const message of messages) {
    if (isExpired(message, now)) continue;
    const current = { ...message, retain: true, properties: countedDown(message, now) };
    deliver(state, session, new Fan(current, null, 4), grant, nextPacketId(state), now, effects);
  }
}
