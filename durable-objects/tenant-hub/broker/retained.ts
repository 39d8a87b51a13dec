import type { DeviceId } from "../../../core/ids.ts";
import { matchesTopic, type TopicFilter } from "../../../core/topics/topic-filter.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import type { Effect } from "./events.ts";
import { retainedTopicsMax } from "./limits.ts";
import type { BrokerState, Message } from "./state.ts";
import { statusTopic } from "./topics.ts";

/**
 * Keeps a message as its topic's newest, or forgets the topic if it is empty [MQTT-3.3.1-10].
 * @returns false when the device already retains as many topics as it may
 */
export function retain(state: BrokerState, device: DeviceId, message: Message, effects: Effect[]): boolean {
  const topics = state.retained.get(device) ?? new Set<TopicName>();
  if (message.payload.length === 0) {
    if (topics.delete(message.topic)) {
      effects.push({ kind: "write", write: { kind: "delete_retained", topic: message.topic } });
    }
    if (topics.size === 0) state.retained.delete(device);
    return true;
  }
  if (!topics.has(message.topic) && !hasRoom(state, device, message.topic)) return false;
  topics.add(message.topic);
  state.retained.set(device, topics);
  effects.push({ kind: "write", write: { kind: "put_retained", device, message } });
  return true;
}

/** Presence always has room: a device must not hide that it went away by filling its topics. */
export function hasRoom(state: BrokerState, device: DeviceId, topic: TopicName): boolean {
  const topics = state.retained.get(device);
  if (topics === undefined || topics.has(topic) || topic === statusTopic(state.org, device)) return true;
  return topics.size < retainedTopicsMax;
}

/** The retained topics that a filter matches. */
export function retainedMatching(state: BrokerState, filter: TopicFilter): TopicName[] {
  const device = filter.split("/")[3];
  const matching: TopicName[] = [];
  const look = (topics: ReadonlySet<TopicName>): void => {
    for (const topic of topics) if (matchesTopic(filter, topic)) matching.push(topic);
  };
  const own = state.retained.get(device as DeviceId);
  if (own !== undefined) look(own);
  else if (device === undefined || device === "+" || device === "#" || filter.split("/").indexOf("#") < 3)
    for (const topics of state.retained.values()) look(topics);
  return matching;
}
