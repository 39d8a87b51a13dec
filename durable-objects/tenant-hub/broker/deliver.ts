import type { QoS } from "../../../core/mqtt/packets.ts";
import { parseDeviceTopic } from "../../../core/topics/sentinel-topic.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import type { Effect, StoredMessage } from "./events.ts";
import {
  inflightMax,
  queueAwayBytesMax,
  queueAwayMessagesMax,
  queueConnectedBytesMax,
  queueConnectedMessagesMax,
  unheardBytesMax,
} from "./limits.ts";
import { addSession, type BrokerState, type Message, newSession, type Session, type SessionKey } from "./state.ts";
import { commandsTopic } from "./topics.ts";

/** Gives a message to every matching session: once each, at the highest QoS its filters were granted [MQTT-3.3.5-1]. */
export function route(state: BrokerState, message: Message, effects: Effect[]): void {
  const granted = new Map<SessionKey, QoS>();
  const shares = new Map<string, { key: SessionKey; text: string }[]>();
  const grant = (key: SessionKey, text: string): void => {
    granted.set(key, highest(granted.get(key), subscribedQos(state, key, text)));
  };
  for (const { key, text, share } of state.index.match(message.topic)) {
    if (share === null) grant(key, text);
    else shares.set(share, [...(shares.get(share) ?? []), { key, text }]);
  }
  for (const members of shares.values()) {
    const present = members.filter(({ key }) => state.sessions.get(key)?.socket !== null);
    const pool = present.length > 0 ? present : members;
    // The message counter turns the wheel: no randomness, and an even spread over time.
    const chosen = pool[state.nextSeq % pool.length];
    state.nextSeq += 1;
    if (chosen !== undefined) grant(chosen.key, chosen.text);
  }
  for (const [key, qos] of granted) {
    const session = state.sessions.get(key);
    if (session !== undefined) deliver(state, session, { ...message, retain: false }, qos, effects);
  }
  keepUndeliveredCommand(state, message, granted, effects);
}

function subscribedQos(state: BrokerState, key: SessionKey, text: string): QoS {
  const qos = state.sessions.get(key)?.subscriptions.get(text)?.qos;
  if (qos === undefined) throw new Error("the index names a subscription that its session lacks");
  return qos;
}

function highest(one: QoS | undefined, other: QoS): QoS {
  return one === undefined || other > one ? other : one;
}

/** A command that no session of its device takes waits in the device's mailbox for one that does. */
function keepUndeliveredCommand(
  state: BrokerState,
  message: Message,
  granted: ReadonlyMap<SessionKey, QoS>,
  effects: Effect[],
): void {
  const device = parseDeviceTopic(message.topic)?.device;
  if (device === undefined || message.qos === 0 || message.topic !== commandsTopic(state.org, device)) return;
  for (const key of granted.keys()) {
    const principal = state.sessions.get(key)?.principal;
    if (principal?.kind === "device" && principal.device === device) return;
  }
  const principal = { kind: "device", device } as const;
  let mailbox = state.sessions.get(newSession(principal, "", false).key);
  if (mailbox === undefined) {
    mailbox = newSession(principal, "", false);
    addSession(state, mailbox);
    effects.push({ kind: "write", write: { kind: "put_session", session: mailbox } });
  }
  enqueue(state, mailbox, { ...message, retain: false }, effects);
}

/**
 * Gives a message to one session at the lower of its own and the granted QoS [MQTT-3.8.4-6]. Above
 * QoS 0 it is stored, in flight or waiting, before its packet leaves, so an eviction forgets none.
 */
export function deliver(
  state: BrokerState,
  session: Session,
  original: Message,
  grantedQos: QoS,
  effects: Effect[],
): void {
  const qos = original.qos < grantedQos ? original.qos : grantedQos;
  const message: Message = qos === original.qos ? original : { ...original, qos };
  const socket = session.socket === null ? undefined : state.sockets.get(session.socket);
  if (socket === undefined) {
    enqueue(state, session, message, effects);
    return;
  }
  if (qos === 0) {
    const bytes = sizeOf(message);
    if (socket.unheardBytes + bytes > unheardBytesMax) return;
    socket.unheardBytes += bytes;
    effects.push({ kind: "send", socket: socket.id, packet: publishPacket(message, null, false) });
    return;
  }
  if (session.queue.length > 0 || roomOf(session) <= 0) {
    enqueue(state, session, message, effects);
    return;
  }
  const packetId = freePacketId(session);
  const seq = state.nextSeq++;
  session.inflight.set(packetId, { seq, qos, bytes: sizeOf(message) });
  effects.push(
    { kind: "write", write: { kind: "put_message", key: session.key, seq, packetId, message } },
    { kind: "send", socket: socket.id, packet: publishPacket(message, packetId, false) },
  );
}

/** Stores a message for later, within the session's bound. */
function enqueue(state: BrokerState, session: Session, message: Message, effects: Effect[]): void {
  const bytes = sizeOf(message);
  const away = session.socket === null;
  const messagesMax = away ? queueAwayMessagesMax : queueConnectedMessagesMax;
  const bytesMax = away ? queueAwayBytesMax : queueConnectedBytesMax;
  while (session.queue.length + 1 > messagesMax || session.queueBytes + bytes > bytesMax) {
    const oldest = session.queue.findIndex((queued) => queued.qos === 0);
    const [dropped] = oldest === -1 ? [] : session.queue.splice(oldest, 1);
    if (dropped === undefined) return;
    session.queueBytes -= dropped.bytes;
    effects.push({ kind: "write", write: { kind: "delete_message", key: session.key, seq: dropped.seq } });
  }
  const seq = state.nextSeq++;
  session.queue.push({ seq, qos: message.qos, bytes });
  session.queueBytes += bytes;
  effects.push({ kind: "write", write: { kind: "put_message", key: session.key, seq, packetId: null, message } });
}

/** Exchanges that may still be begun: a QoS 2 one counts until its PUBCOMP. */
function roomOf(session: Session): number {
  return inflightMax - session.inflight.size - session.released.size;
}

/** Asks for as many waiting messages as the window has room for. */
export function pump(session: Session, effects: Effect[]): void {
  if (session.socket === null || session.queue.length === 0) return;
  const room = roomOf(session);
  if (room <= 0) return;
  const seqs = session.queue.slice(0, room).map(({ seq }) => seq);
  effects.push({ kind: "load", from: session.key, to: session.key, seqs });
}

/**
 * After a reconnect: PUBREL for what the client has confirmed, in the order it did [MQTT-4.6.0-4]; then
 * everything else in flight again with DUP and its id [MQTT-4.4.0-1], in its first order [MQTT-4.6.0-1];
 * then what waits. A message whose PUBREL was sent is never published again [MQTT-4.3.3-1].
 */
export function redeliver(session: Session, effects: Effect[]): void {
  if (session.socket === null) return;
  for (const packetId of session.released)
    effects.push({ kind: "send", socket: session.socket, packet: { type: "pubrel", packetId } });
  const seqs = [...session.inflight.values()].map(({ seq }) => seq).sort((a, b) => a - b);
  if (seqs.length > 0) effects.push({ kind: "load", from: session.key, to: session.key, seqs });
  else pump(session, effects);
}

/** Sends what storage gave back, then asks for more while the window has room. */
export function sendLoaded(session: Session, messages: readonly StoredMessage[], effects: Effect[]): void {
  const socket = session.socket;
  if (socket === null) return;
  for (const { seq, packetId, message } of messages) {
    if (packetId !== null) {
      if (session.inflight.get(packetId)?.seq !== seq) continue;
      effects.push({ kind: "send", socket, packet: publishPacket(message, packetId, true) });
      continue;
    }
    const position = session.queue.findIndex((queued) => queued.seq === seq);
    const [queued] = position === -1 ? [] : session.queue.splice(position, 1);
    if (queued === undefined) continue;
    session.queueBytes -= queued.bytes;
    if (message.qos === 0) {
      effects.push(
        { kind: "write", write: { kind: "delete_message", key: session.key, seq } },
        { kind: "send", socket, packet: publishPacket(message, null, false) },
      );
      continue;
    }
    const id = freePacketId(session);
    session.inflight.set(id, queued);
    effects.push(
      { kind: "write", write: { kind: "set_packet_id", key: session.key, seq, packetId: id } },
      { kind: "send", socket, packet: publishPacket(message, id, false) },
    );
  }
  if (messages.length > 0) pump(session, effects);
}

/** Moves a mailbox's commands into the session that now takes them. */
export function claimMailbox(
  state: BrokerState,
  mailbox: Session,
  session: Session,
  messages: readonly StoredMessage[],
  effects: Effect[],
): void {
  for (const { seq, message } of messages) {
    const position = mailbox.queue.findIndex((queued) => queued.seq === seq);
    const [queued] = position === -1 ? [] : mailbox.queue.splice(position, 1);
    if (queued === undefined) continue;
    mailbox.queueBytes -= queued.bytes;
    effects.push({ kind: "write", write: { kind: "delete_message", key: mailbox.key, seq } });
    deliver(state, session, message, grantedTo(state, session, message.topic), effects);
  }
}

/** The highest QoS this session's filters were granted for a topic; 0 when none matches. */
function grantedTo(state: BrokerState, session: Session, topic: TopicName): QoS {
  const own = state.index.match(topic).filter(({ key }) => key === session.key);
  return own.reduce<QoS>((qos, { key, text }) => highest(qos, subscribedQos(state, key, text)), 0);
}

/** The next id that is not in use [MQTT-2.3.1-2]; the window is far smaller than the ids. */
function freePacketId(session: Session): number {
  do {
    session.lastPacketId = (session.lastPacketId % 0xffff) + 1;
  } while (session.inflight.has(session.lastPacketId) || session.released.has(session.lastPacketId));
  return session.lastPacketId;
}

function publishPacket(message: Message, packetId: number | null, dup: boolean) {
  const { topic, payload, qos, retain } = message;
  return { type: "publish", dup, qos, retain, topic, packetId, payload } as const;
}

/** A message's weight: its payload, its topic and some bookkeeping. */
function sizeOf(message: { topic: TopicName; payload: Uint8Array }): number {
  return message.payload.length + message.topic.length + 64;
}
