import { encodedLength } from "../../../core/mqtt/encode.ts";
import type { ProtocolLevel, PublishPacket, QoS } from "../../../core/mqtt/packets.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { crowdFor, disperse } from "./crowd.ts";
import type { Effect, StoredMessage } from "./events.ts";
import {
  inflightBytesMax,
  inflightMax,
  queueAwayBytesMax,
  queueAwayMessagesMax,
  queueConnectedBytesMax,
  queueConnectedMessagesMax,
  unheardBytesMax,
} from "./limits.ts";
import { countedDown, Fan, isExpired, messageBytes, publishPacket } from "./message.ts";
import { merge, type Route, refreshRoute, type Share, type Target } from "./routes.ts";
import {
  expiryNever,
  type Message,
  newSession,
  type Session,
  type SessionKey,
  type Socket,
  sessionKey,
} from "./session.ts";
import { addSession, type BrokerState, type ShardView } from "./state.ts";

/** Where a message comes from: No Local leaves its own session out; bytes that may go on as they came. */
export interface Origin {
  readonly session: SessionKey;
  readonly packet: PublishPacket;
  readonly level: ProtocolLevel;
}

/**
 * Gives a message to every matching session: once each, at the highest QoS its filters were granted [MQTT-3.3.5-1].
 * @param origin null for a message of the platform's or a will
 * @returns whether anyone matched
 */
export function route(
  state: BrokerState,
  message: Message,
  origin: Origin | null,
  now: number,
  effects: Effect[],
): boolean {
  const found = state.routes.get(message.topic);
  if (found === null) throw new Error("a message without a topic reached the router");
  const here = routeHere(state, found, message, origin, now, effects);
  return state.shard === null ? here : relayOnward(state.shard, found, message, effects) || here;
}

/** The part of `route` that this object's own sessions take. */
export function routeHere(
  state: BrokerState,
  found: Route,
  message: Message,
  origin: Origin | null,
  now: number,
  effects: Effect[],
): boolean {
  refreshRoute(found, state.index);
  const { targets, shares } = found;
  const own = origin?.session ?? null;
  const fan = new Fan(message, origin?.packet ?? null, origin?.level ?? 4);
  let packetId = 0;
  for (const target of together(state, found, fan, origin, effects) ?? targets) {
    const grant = target.own !== null && target.session.key === own ? target.own : target;
    if (grant === "nothing") continue;
    if (packetId === 0 && grant.qos > 0 && message.qos > 0) packetId = nextPacketId(state);
    deliver(state, target.session, fan, grant, packetId, now, effects);
  }
  for (const share of shares) {
    const target = turn(share);
    if (target !== null) deliver(state, target.session, fan, target, nextPacketId(state), now, effects);
  }
  const kept = found.parsed?.rest[0] === "commands" && keepUndeliveredCommand(state, found, message, now, effects);
  return targets.length > 0 || shares.length > 0 || kept;
}

/**
 * Sends a QoS 0 message at once to everybody who gets it in the same bytes as others of the same level.
 * @returns whom it has not served; null when it has served nobody
 */
function together(
  state: BrokerState,
  found: Route,
  fan: Fan,
  origin: Origin | null,
  effects: Effect[],
): readonly Target[] | null {
  const { message } = fan;
  if (origin === null || message.qos > 0 || message.retain) {
    disperse(state);
    return null;
  }
  const crowd = crowdFor(state, found, origin.session, unacknowledgedBytes(message));
  if (crowd === null) return null;
  const { legacy, modern, rest } = crowd;
  if (legacy.length > 0) effects.push({ kind: "send_all", sockets: legacy, packet: fan.packet(4, 0, false, null) });
  if (modern.length > 0) effects.push({ kind: "send_all", sockets: modern, packet: fan.packet(5, 0, false, null) });
  return rest;
}

/** Hands a message on to the object whose sessions may want it too, at no more than the QoS they were granted. */
function relayOnward(shard: ShardView, found: Route, message: Message, effects: Effect[]): boolean {
  const onward = shard.onward(found);
  if (onward === null) return false;
  const qos = message.qos < onward.qos ? message.qos : onward.qos;
  const reach = found.parsed !== null && shard.isHome(found.parsed.device) ? "users" : "devices";
  effects.push({
    kind: "relay",
    target: onward.target,
    message: qos === message.qos ? message : { ...message, qos },
    reach,
  });
  return true;
}

/** The member whose turn it is: a connected one, if there is one (section 4.8.2). */
function turn({ group, members }: Share): Target | null {
  const present = members.filter(({ session }) => session.attached !== null);
  const pool = present.length > 0 ? present : members;
  group.turn = (group.turn + 1) % 0xffff_ffff;
  const chosen = pool[group.turn % pool.length];
  return chosen === undefined ? null : merge(chosen.session, [chosen.subscription], null);
}

/** A command that no session of its device takes waits in the device's mailbox for one that does. */
function keepUndeliveredCommand(
  state: BrokerState,
  found: Route,
  message: Message,
  now: number,
  effects: Effect[],
): boolean {
  const device = found.parsed?.device;
  if (device === undefined || message.qos === 0 || found.parsed?.rest.length !== 1) return false;
  if (state.shard?.isHome(device) === false) return false;
  const taken = found.targets.some(({ session }) => isOf(session, device));
  const shared = found.shares.some(({ members }) => members.some(({ session }) => isOf(session, device)));
  if (taken || shared) return false;
  const principal = { kind: "device", device } as const;
  let mailbox = state.sessions.get(sessionKey(principal, ""));
  if (mailbox === undefined) {
    mailbox = newSession(principal, "", expiryNever);
    addSession(state, mailbox);
    effects.push({ kind: "write", write: { kind: "put_session", session: mailbox } });
  }
  enqueue(state, mailbox, { ...message, retain: false }, now, effects);
  return true;
}

function isOf(session: Session, device: string): boolean {
  return session.principal.kind === "device" && session.principal.device === device;
}

/**
 * Gives a message to one session at the lower of its own and the granted QoS [MQTT-3.8.4-8]. Above
 * QoS 0 it is stored, in flight or waiting, before its packet leaves, so an eviction forgets none.
 * @param preferredId a packet id to use if the session has it free
 */
export function deliver(
  state: BrokerState,
  session: Session,
  fan: Fan,
  grant: Pick<Target, "qos" | "retainAsPublished" | "identifiers">,
  preferredId: number,
  now: number,
  effects: Effect[],
): void {
  const { message } = fan;
  const qos = message.qos < grant.qos ? message.qos : grant.qos;
  const retain = message.retain && grant.retainAsPublished;
  const socket = session.attached;
  if (socket === null) {
    // Nobody was promised QoS 0: it does not wait for who is away (section 4.3.1).
    if (qos > 0) enqueue(state, session, keptFor(fan, qos, retain, grant.identifiers), now, effects);
    return;
  }
  if (qos === 0) {
    sendUnacknowledged(socket, packetFor(socket, fan, 0, retain, null, grant.identifiers), effects);
    return;
  }
  const kept = keptFor(fan, qos, retain, grant.identifiers);
  if (session.queue.length > 0 || roomOf(session, socket) <= 0) {
    enqueue(state, session, kept, now, effects);
    return;
  }
  const packetId = freeId(state, session, preferredId);
  const packet = packetFor(socket, fan, qos, retain, packetId, grant.identifiers);
  if (!fits(socket, packet)) return;
  const seq = state.nextSeq++;
  const bytes = messageBytes(kept);
  session.inflight.set(packetId, { seq, qos, bytes, expiresAtMs: kept.expiresAtMs, sent: true });
  session.inflightBytes += bytes;
  effects.push(
    { kind: "write", write: { kind: "put_message", key: session.key, seq, packetId, message: kept } },
    { kind: "send", socket, packet: aliased(socket, packet, effects) },
  );
}

function packetFor(
  socket: Socket,
  fan: Fan,
  qos: QoS,
  retain: boolean,
  packetId: number | null,
  identifiers: readonly number[] | null,
): PublishPacket {
  if (identifiers === null || socket.level !== 5) return fan.packet(socket.level, qos, retain, packetId);
  const properties = { ...fan.message.properties, subscriptionIdentifiers: identifiers };
  return publishPacket(fan.message, qos, retain, packetId, properties);
}

function keptFor(fan: Fan, qos: QoS, retain: boolean, identifiers: readonly number[] | null): Message {
  const kept = fan.kept(qos, retain);
  if (identifiers === null) return kept;
  return { ...kept, properties: { ...kept.properties, subscriptionIdentifiers: identifiers } };
}

/** QoS 0 is sent or forgotten: a reader that has stalled must not fill the object's memory. */
function sendUnacknowledged(socket: Socket, packet: PublishPacket, effects: Effect[]): void {
  const bytes = unacknowledgedBytes(packet);
  if (socket.unheardBytes + bytes > unheardBytesMax || !fits(socket, packet)) return;
  socket.unheardBytes += bytes;
  effects.push({ kind: "send", socket, packet: aliased(socket, packet, effects) });
}

/** What a packet without an acknowledgement counts towards `unheardBytesMax`. */
function unacknowledgedBytes({ payload, topic }: Pick<PublishPacket, "payload" | "topic">): number {
  return payload.length + topic.length + 64;
}

/** Whatever is over the client's Maximum Packet Size is not sent, as if it had been [MQTT-3.1.2-25]. */
function fits(socket: Socket, packet: PublishPacket): boolean {
  return socket.packetBytesMax === null || encodedLength(packet, socket.level) <= socket.packetBytesMax;
}

/** Replaces the topic by its alias, or gives it one while there are some left (section 3.3.2.3.4). */
function aliased(socket: Socket, packet: PublishPacket, effects: Effect[]): PublishPacket {
  if (socket.aliasesOutMax === 0) return packet;
  const known = socket.aliasesOut.get(packet.topic);
  if (known !== undefined)
    return { ...packet, topic: "", properties: { ...packet.properties, topicAlias: known }, wire: null };
  if (socket.aliasesOut.size >= socket.aliasesOutMax || packet.topic.length > aliasedCharactersMax) return packet;
  const topicAlias = socket.aliasesOut.size + 1;
  const named = { ...packet, properties: { ...packet.properties, topicAlias }, wire: null };
  if (!fits(socket, named)) return packet;
  socket.aliasesOut.set(packet.topic, topicAlias);
  effects.push({ kind: "save_socket", socket });
  return named;
}

/** Longer topics get no alias of ours: the attachment carries them. */
const aliasedCharactersMax = 512;

/** Stores a message for later, within the session's bound; what expired meanwhile makes room first. */
function enqueue(state: BrokerState, session: Session, message: Message, now: number, effects: Effect[]): void {
  const bytes = messageBytes(message);
  const away = session.socket === null;
  const messagesMax = away ? queueAwayMessagesMax : queueConnectedMessagesMax;
  const bytesMax = away ? queueAwayBytesMax : queueConnectedBytesMax;
  const isFull = (): boolean => session.queue.length >= messagesMax || session.queueBytes + bytes > bytesMax;
  if (isFull()) dropExpired(session, now, effects);
  if (isFull()) return;
  const seq = state.nextSeq++;
  session.queue.push({ seq, qos: message.qos, bytes, expiresAtMs: message.expiresAtMs });
  session.queueBytes += bytes;
  effects.push({ kind: "write", write: { kind: "put_message", key: session.key, seq, packetId: null, message } });
}

function dropExpired(session: Session, now: number, effects: Effect[]): void {
  for (const { seq, bytes } of session.queue.removeAll((waiting) => isExpired(waiting, now))) {
    session.queueBytes -= bytes;
    effects.push({ kind: "write", write: { kind: "delete_message", key: session.key, seq } });
  }
}

/** Exchanges that may still be begun [MQTT-4.9.0-2]: a QoS 2 one counts until its PUBCOMP. */
function roomOf(session: Session, socket: Socket): number {
  if (session.inflightBytes >= inflightBytesMax) return 0;
  const window = socket.receiveMaximum < inflightMax ? socket.receiveMaximum : inflightMax;
  return window - (session.inflight.size - session.unsent) - session.released.size;
}

/** Asks for as many unsent and waiting messages as the window has room for, the unsent first. */
export function pump(session: Session, effects: Effect[]): void {
  const socket = session.attached;
  if (socket === null || (session.unsent === 0 && session.queue.length === 0)) return;
  const room = roomOf(session, socket);
  if (room <= 0) return;
  const seqs: number[] = [];
  if (session.unsent > 0) {
    for (const { seq, sent } of session.inflight.values()) {
      if (sent) continue;
      seqs.push(seq);
      if (seqs.length === room) break;
    }
  }
  // New messages never overtake those that were sent before [MQTT-4.6.0-1].
  if (seqs.length === session.unsent) for (const { seq } of session.queue.peek(room - seqs.length)) seqs.push(seq);
  effects.push({ kind: "load", from: session.key, to: session.key, seqs });
}

/**
 * After a reconnect: PUBREL for what the client has confirmed, in the order it did [MQTT-4.6.0-4]; then
 * everything else in flight again with DUP and its id [MQTT-4.4.0-1], in its first order [MQTT-4.6.0-1],
 * as far as Receive Maximum lets it; then what waits. A message whose PUBREL was sent is never published
 * again [MQTT-4.3.3-7].
 */
export function redeliver(session: Session, effects: Effect[]): void {
  const socket = session.attached;
  if (socket === null) return;
  for (const packetId of session.released) {
    const packet = { type: "pubrel", packetId, reasonCode: reasonCodes.success, properties: null } as const;
    effects.push({ kind: "send", socket, packet });
  }
  for (const message of session.inflight.values()) message.sent = false;
  session.unsent = session.inflight.size;
  if (session.unsent > 0) effects.push({ kind: "save_socket", socket });
  pump(session, effects);
}

/** Sends what storage gave back, then asks for more while the window has room. */
export function sendLoaded(
  state: BrokerState,
  session: Session,
  messages: readonly StoredMessage[],
  now: number,
  effects: Effect[],
): void {
  const socket = session.attached;
  if (socket === null) return;
  for (const { seq, packetId, message } of messages) {
    if (packetId === null) sendWaiting(state, session, socket, seq, message, now, effects);
    else sendAgain(session, socket, seq, packetId, message, now, effects);
  }
  if (messages.length > 0) pump(session, effects);
}

/** DUP and the same id [MQTT-3.3.1-1]; an expired message that may have been received goes on to its end. */
function sendAgain(
  session: Session,
  socket: Socket,
  seq: number,
  packetId: number,
  message: Message,
  now: number,
  effects: Effect[],
): void {
  const flying = session.inflight.get(packetId);
  if (flying === undefined || flying.seq !== seq || flying.sent) return;
  flying.sent = true;
  session.unsent -= 1;
  effects.push({ kind: "save_socket", socket });
  const properties = socket.level === 5 ? countedDown(message, now) : null;
  const packet = { ...publishPacket(message, message.qos, message.retain, packetId, properties), dup: true };
  if (fits(socket, packet)) {
    effects.push({ kind: "send", socket, packet: aliased(socket, packet, effects) });
    return;
  }
  forget(session, packetId, effects);
}

/** Takes a message out of flight and out of storage. */
export function forget(session: Session, packetId: number, effects: Effect[]): void {
  const flying = session.inflight.get(packetId);
  if (flying === undefined) return;
  session.inflight.delete(packetId);
  session.inflightBytes -= flying.bytes;
  if (!flying.sent) session.unsent -= 1;
  effects.push({ kind: "write", write: { kind: "delete_message", key: session.key, seq: flying.seq } });
}

function sendWaiting(
  state: BrokerState,
  session: Session,
  socket: Socket,
  seq: number,
  message: Message,
  now: number,
  effects: Effect[],
): void {
  const queued =
    session.queue.first()?.seq === seq ? session.queue.shift() : session.queue.remove((q) => q.seq === seq);
  if (queued === undefined) return;
  session.queueBytes -= queued.bytes;
  const { qos, retain } = message;
  const packetId = qos === 0 ? null : freeId(state, session, nextPacketId(state));
  const properties = socket.level === 5 ? countedDown(message, now) : null;
  const packet = publishPacket(message, qos, retain, packetId, properties);
  if (packetId === null || isExpired(message, now) || !fits(socket, packet)) {
    effects.push({ kind: "write", write: { kind: "delete_message", key: session.key, seq } });
    if (packetId === null) sendUnacknowledged(socket, packet, effects);
    return;
  }
  session.inflight.set(packetId, { ...queued, sent: true });
  session.inflightBytes += queued.bytes;
  effects.push(
    { kind: "write", write: { kind: "set_packet_id", key: session.key, seq, packetId } },
    { kind: "send", socket, packet: aliased(socket, packet, effects) },
  );
}

/** Moves a mailbox's commands into the session that now takes them. */
export function claimMailbox(
  state: BrokerState,
  mailbox: Session,
  session: Session,
  messages: readonly StoredMessage[],
  now: number,
  effects: Effect[],
): void {
  for (const { seq, message } of messages) {
    const queued = mailbox.queue.remove((waiting) => waiting.seq === seq);
    if (queued === undefined) continue;
    mailbox.queueBytes -= queued.bytes;
    effects.push({ kind: "write", write: { kind: "delete_message", key: mailbox.key, seq } });
    if (isExpired(message, now)) continue;
    const found = state.routes.get(message.topic);
    if (found === null) continue;
    refreshRoute(found, state.index);
    const grant = found.targets.find((target) => target.session === session);
    const counted = { ...message, properties: countedDown(message, now) };
    if (grant !== undefined)
      deliver(state, session, new Fan(counted, null, 4), grant, nextPacketId(state), now, effects);
  }
}

/** One counter for all sessions, so that a message has the same id, and the same bytes, for most of them. */
export function nextPacketId(state: BrokerState): number {
  state.lastPacketId = (state.lastPacketId % 0xffff) + 1;
  return state.lastPacketId;
}

/** An id that is not in use [MQTT-2.2.1-4]; the window is far smaller than the ids. */
function freeId(state: BrokerState, session: Session, preferredId: number): number {
  let id = preferredId;
  while (session.inflight.has(id) || session.released.has(id)) id = nextPacketId(state);
  return id;
}
