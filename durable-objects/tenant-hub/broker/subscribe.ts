import type { QoS, SubackCode, SubscribePacket, UnsubscribePacket } from "../../../core/mqtt/packets.ts";
import { filterWithinRights } from "../../../core/topics/sentinel-topic.ts";
import { type FilterSpec, matchesTopic, parseSubscription } from "../../../core/topics/topic-filter.ts";
import type { Effect } from "./events.ts";
import { subscriptionsMax } from "./limits.ts";
import { retainedMatching } from "./retained.ts";
import { readRights } from "./rights.ts";
import { type BrokerState, type Session, type SocketId, sessionKey } from "./state.ts";
import { commandsTopic } from "./topics.ts";

const refusedCode: SubackCode = 0x80;

/**
 * Grants each filter that lies wholly inside what the principal may read, at the QoS asked for; refuses every other with 0x80. Retained messages follow the SUBACK.
 */
export function subscribe(
  state: BrokerState,
  socket: SocketId,
  session: Session,
  packet: SubscribePacket,
  effects: Effect[],
): void {
  const rights = readRights(state, session.principal);
  const codes: SubackCode[] = [];
  const granted: { spec: FilterSpec; qos: QoS }[] = [];
  for (const { filter: text, qos } of packet.subscriptions) {
    const spec = parseSubscription(text);
    const fits = session.subscriptions.has(text) || session.subscriptions.size < subscriptionsMax;
    if (spec === null || !fits || !filterWithinRights(spec.filter, rights)) {
      codes.push(refusedCode);
      continue;
    }
    if (!session.subscriptions.has(text)) state.index.add(session.key, text);
    session.subscriptions.set(text, { qos });
    effects.push({ kind: "write", write: { kind: "put_subscription", key: session.key, text, qos } });
    codes.push(qos);
    granted.push({ spec, qos });
  }
  effects.push({ kind: "send", socket, packet: { type: "suback", packetId: packet.packetId, codes } });
  for (const { spec, qos } of granted) {
    // A shared subscription gets no retained messages (MQTT 5 section 4.8.2).
    if (spec.share === null) {
      const topics = retainedMatching(state, spec.filter);
      if (topics.length > 0) effects.push({ kind: "load_retained", session: session.key, qos, topics });
    }
    if (qos > 0) claimWaitingCommands(state, session, spec, effects);
  }
}

function claimWaitingCommands(state: BrokerState, session: Session, spec: FilterSpec, effects: Effect[]): void {
  const { principal } = session;
  if (principal.kind !== "device") return;
  const mailbox = state.sessions.get(sessionKey(principal, ""));
  if (mailbox === undefined || mailbox.queue.length === 0) return;
  if (!matchesTopic(spec.filter, commandsTopic(state.org, principal.device))) return;
  effects.push({ kind: "load", from: mailbox.key, to: session.key, seqs: mailbox.queue.map(({ seq }) => seq) });
}

/** Forgets filters by their exact text [MQTT-3.10.4-1]; one that was not there is acknowledged all the same [MQTT-3.10.4-5]. */
export function unsubscribe(
  state: BrokerState,
  socket: SocketId,
  session: Session,
  packet: UnsubscribePacket,
  effects: Effect[],
): void {
  for (const text of packet.filters) {
    if (!session.subscriptions.delete(text)) continue;
    state.index.remove(session.key, text);
    effects.push({ kind: "write", write: { kind: "delete_subscription", key: session.key, text } });
  }
  effects.push({ kind: "send", socket, packet: { type: "unsuback", packetId: packet.packetId } });
}
