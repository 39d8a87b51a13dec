import type { QoS } from "../../../core/mqtt/packets.ts";
import { type DeviceTopic, parseDeviceTopic } from "../../../core/topics/sentinel-topic.ts";
import { parseTopicName, type TopicName } from "../../../core/topics/topic-name.ts";
import type { Session, SessionSubscription } from "./session.ts";
import type { IndexEntry, ShareGroup, SubscriptionIndex } from "./subscription-index.ts";

/** One session that receives a topic, with everything its matching subscriptions say together. */
export interface Target {
  readonly session: Session;
  /** The highest granted [MQTT-3.3.5-1]. */
  readonly qos: QoS;
  readonly retainAsPublished: boolean;
  /** Of every matching subscription that has one [MQTT-3.3.4-3]; null for none. */
  readonly identifiers: readonly number[] | null;
  /** Null when no subscription is No Local; else what the session receives of its own messages, or "nothing". */
  readonly own: Target | "nothing" | null;
}

/** What a topic means, and who receives it. */
export interface Route {
  readonly topic: TopicName;
  /** Null for a name outside every device's namespace. */
  readonly parsed: DeviceTopic | null;
  version: number;
  targets: readonly Target[];
  /** The members of each shared subscription, one of whom gets the message. */
  shares: readonly Share[];
}

export interface Share {
  readonly group: ShareGroup;
  readonly members: readonly IndexEntry[];
}

/** Topics remembered, and the longest of them: 8,192 of 512 characters are 4 MB. */
const routesMax = 8192;
const topicCharactersMax = 512;

/** Remembers what was found out about a topic until a subscription changes it. */
export class RouteTable {
  private readonly routes = new Map<string, Route>();

  /** Null for what is no topic name. */
  get(text: string): Route | null {
    const known = this.routes.get(text);
    if (known !== undefined) return known;
    const topic = parseTopicName(text);
    if (topic === null) return null;
    const route: Route = {
      topic,
      parsed: parseDeviceTopic(topic),
      version: Number.NaN,
      targets: [],
      shares: [],
    };
    if (text.length <= topicCharactersMax) {
      if (this.routes.size >= routesMax) this.routes.clear();
      this.routes.set(text, route);
    }
    return route;
  }
}

/** Brings a route's receivers up to date. */
export function refreshRoute(route: Route, index: SubscriptionIndex): void {
  const device = route.parsed?.device ?? "";
  const version = index.versionFor(device);
  if (route.version === version) return;
  route.version = version;
  const bySession = new Map<Session, SessionSubscription[]>();
  const shares = new Map<string, { readonly group: ShareGroup; readonly members: IndexEntry[] }>();
  for (const entry of index.match(route.topic, device)) {
    const { share, filter } = entry.subscription.spec;
    if (share !== null) {
      const name = `${share}/${filter}`;
      const known = shares.get(name);
      if (known === undefined) shares.set(name, { group: index.groupOf(entry.subscription.spec), members: [entry] });
      else known.members.push(entry);
      continue;
    }
    const own = bySession.get(entry.session);
    if (own === undefined) bySession.set(entry.session, [entry.subscription]);
    else own.push(entry.subscription);
  }
  route.targets = [...bySession].flatMap(([session, subscriptions]) => {
    const foreign = subscriptions.filter(({ noLocal }) => !noLocal);
    const own = foreign.length === subscriptions.length ? null : (merge(session, foreign, null) ?? "nothing");
    return merge(session, subscriptions, own) ?? [];
  });
  route.shares = [...shares.values()];
}

/** What several subscriptions of one session ask for together; null for none. */
export function merge(
  session: Session,
  subscriptions: readonly SessionSubscription[],
  own: Target["own"],
): Target | null {
  if (subscriptions.length === 0) return null;
  const identifiers = subscriptions.flatMap(({ identifier }) => identifier ?? []);
  return {
    session,
    qos: subscriptions.reduce<QoS>((qos, one) => (one.qos > qos ? one.qos : qos), 0),
    retainAsPublished: subscriptions.some((one) => one.retainAsPublished),
    identifiers: identifiers.length === 0 ? null : identifiers,
    own,
  };
}
