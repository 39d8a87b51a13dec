import type { SubscribePacket, Subscription, UnsubscribePacket } from "../../../core/mqtt/packets.ts";
import { type ReasonCode, reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { filterWithinRights } from "../../../core/topics/sentinel-topic.ts";
import { type FilterSpec, matchesTopic, parseSubscription } from "../../../core/topics/topic-filter.ts";
import { protocolError } from "./closes.ts";
import type { Close, Effect } from "./events.ts";
import { subscriptionCharactersMax, subscriptionsMax } from "./limits.ts";
import { retainedMatching } from "./retained.ts";
import { readRights } from "./rights.ts";
import { type Session, type SessionSubscription, type Socket, sessionKey } from "./session.ts";
import type { BrokerState } from "./state.ts";
import { commandsTopic } from "./topics.ts";

const malformedFilter = protocolError("malformed topic filter (section 4.7)", reasonCodes.malformed_packet);
const sharedNoLocal = protocolError("No Local on a shared subscription [MQTT-3.8.3-4]");

/**
 * Grants each filter that lies wholly inside what the principal may read, at the QoS asked for; refuses
 * every other in its place of the SUBACK. Retained messages follow the SUBACK.
 * @returns why the connection ends: a filter that is none, before anything was granted; null when all is well
 */
export function subscribe(
  state: BrokerState,
  socket: Socket,
  session: Session,
  packet: SubscribePacket,
  effects: Effect[],
): Close | null {
  const asked: { readonly text: string; readonly subscription: SessionSubscription }[] = [];
  const identifier = packet.properties?.subscriptionIdentifiers?.[0] ?? null;
  for (const wanted of packet.subscriptions) {
    const spec = parseSubscription(wanted.filter);
    if (spec === null) return malformedFilter;
    if (spec.share !== null && wanted.noLocal) return sharedNoLocal;
    asked.push({ text: wanted.filter, subscription: subscriptionOf(wanted, spec, identifier) });
  }
  const rights = readRights(state, session.principal);
  const codes: ReasonCode[] = [];
  const granted: { readonly subscription: SessionSubscription; readonly isNew: boolean }[] = [];
  for (const { text, subscription } of asked) {
    const before = session.subscriptions.get(text);
    if (!filterWithinRights(subscription.spec.filter, rights)) {
      codes.push(reasonCodes.not_authorized);
      continue;
    }
    if (before === undefined && !hasRoomFor(session, text)) {
      codes.push(reasonCodes.quota_exceeded);
      continue;
    }
    session.subscriptions.set(text, subscription);
    state.index.add(session, subscription);
    effects.push({ kind: "write", write: { kind: "put_subscription", key: session.key, text, subscription } });
    codes.push(subscription.qos);
    granted.push({ subscription, isNew: before === undefined });
  }
  const { packetId } = packet;
  const suback = { type: "suback", packetId, codes, properties: null } as const;
  // A device's own topics are all here; a user's may be anywhere.
  if (state.shard?.announces === true && session.principal.kind === "user" && granted.length > 0) {
    const wanting = granted.filter(({ subscription, isNew }) => wantsRetained(subscription, isNew));
    const requests = wanting.map(({ subscription }) => ({ session: session.key, subscription }));
    effects.push({ kind: "announce", socket, suback, requests });
    return null;
  }
  effects.push({ kind: "send", socket, packet: suback });
  for (const { subscription, isNew } of granted) {
    if (wantsRetained(subscription, isNew)) sendRetained(state, session, subscription, effects);
    if (subscription.qos > 0) claimWaitingCommands(state, session, subscription.spec, effects);
  }
  return null;
}

function subscriptionOf(wanted: Subscription, spec: FilterSpec, identifier: number | null): SessionSubscription {
  const { qos, noLocal, retainAsPublished, retainHandling } = wanted;
  return { spec, qos, noLocal, retainAsPublished, retainHandling, identifier };
}

function hasRoomFor(session: Session, text: string): boolean {
  if (session.subscriptions.size >= subscriptionsMax) return false;
  let characters = text.length;
  for (const other of session.subscriptions.keys()) characters += other.length;
  return characters <= subscriptionCharactersMax;
}

/** Retain Handling decides (section 3.8.3.1); a shared subscription gets none (section 4.8.2). */
function wantsRetained({ spec, retainHandling }: SessionSubscription, isNew: boolean): boolean {
  return spec.share === null && (retainHandling === 0 || (retainHandling === 1 && isNew));
}

function sendRetained(
  state: BrokerState,
  session: Session,
  subscription: SessionSubscription,
  effects: Effect[],
): void {
  const topics = retainedMatching(state, subscription.spec.filter);
  if (topics.length === 0) return;
  effects.push({ kind: "load_retained", request: { session: session.key, subscription }, topics });
}

function claimWaitingCommands(state: BrokerState, session: Session, spec: FilterSpec, effects: Effect[]): void {
  const { principal } = session;
  if (principal.kind !== "device") return;
  const mailbox = state.sessions.get(sessionKey(principal, ""));
  if (mailbox === undefined || mailbox.queue.length === 0) return;
  if (!matchesTopic(spec.filter, commandsTopic(state.org, principal.device))) return;
  effects.push({ kind: "load", from: mailbox.key, to: session.key, seqs: [...mailbox.queue].map(({ seq }) => seq) });
}

/**
 * Forgets filters by their exact text [MQTT-3.10.4-1]; one that was not there is acknowledged all the same [MQTT-3.10.4-5].
 * @returns why the connection ends, as in `subscribe`
 */
export function unsubscribe(
  state: BrokerState,
  socket: Socket,
  session: Session,
  packet: UnsubscribePacket,
  effects: Effect[],
): Close | null {
  if (packet.filters.some((text) => parseSubscription(text) === null)) return malformedFilter;
  const codes: ReasonCode[] = [];
  for (const text of packet.filters) {
    const subscription = session.subscriptions.get(text);
    codes.push(subscription === undefined ? reasonCodes.no_subscription_existed : reasonCodes.success);
    if (subscription === undefined) continue;
    session.subscriptions.delete(text);
    state.index.remove(session, subscription);
    effects.push({ kind: "write", write: { kind: "delete_subscription", key: session.key, text } });
  }
  const { packetId } = packet;
  effects.push({ kind: "send", socket, packet: { type: "unsuback", packetId, codes, properties: null } });
  return null;
}
