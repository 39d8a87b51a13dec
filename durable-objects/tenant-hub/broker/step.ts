import type { Packet } from "../../../core/mqtt/packets.ts";
import type { Refusal } from "../../../core/mqtt/refusals.ts";
import { acknowledge } from "./acknowledge.ts";
import { runConnection } from "./connect.ts";
import { endLoginSession, publishCommand, putDevice, putGroup, putMember, removeDevice } from "./control.ts";
import { deadlineOf } from "./deadlines.ts";
import { claimMailbox, deliver, sendLoaded } from "./deliver.ts";
import type { BrokerEvent, Close, Effect } from "./events.ts";
import { detachSession, dropSocket } from "./lifecycle.ts";
import { publish, release } from "./publish.ts";
import type { BrokerState, Session, Socket, SocketId } from "./state.ts";
import { subscribe, unsubscribe } from "./subscribe.ts";

export interface StepResult {
  readonly state: BrokerState;
  readonly effects: readonly Effect[];
}

/**
 * The broker: what happens, given what is and what comes. It reads no clock, no randomness and no
 * storage; the same state, event and time give the same effects.
 *
 * Order of the effects is a promise: every write that a `send` acknowledges stands before it, and the
 * shell commits the writes before any packet leaves.
 * @param state consumed: use the returned one
 * @param now Unix milliseconds
 */
export function step(state: BrokerState, event: BrokerEvent, now: number): StepResult {
  const effects: Effect[] = [];
  handle(state, event, now, effects);
  return { state, effects };
}

function handle(state: BrokerState, event: BrokerEvent, now: number, effects: Effect[]): void {
  switch (event.kind) {
    case "socket_opened":
      openSocket(state, event, now, effects);
      return;
    case "packet":
      withSocket(state, event.socket, (socket) => handlePacket(state, socket, event.packet, now, effects));
      return;
    case "refused":
      withSocket(state, event.socket, (socket) => handleRefusal(state, socket, event.refusal, now, effects));
      return;
    case "authenticated":
      withSocket(state, event.socket, (socket) => {
        const { connect } = socket;
        if (connect !== null) runConnection(state, socket, connect, event.identity, now, effects);
      });
      return;
    case "socket_closed":
      withSocket(state, event.socket, (socket) => end(state, socket, null, now, effects));
      return;
    case "close_socket":
      withSocket(state, event.socket, (socket) => end(state, socket, event.close, now, effects));
      return;
    case "loaded":
      handleLoaded(state, event, effects);
      return;
    case "retained_loaded": {
      const session = state.sessions.get(event.session);
      if (session === undefined) return;
      // RETAIN is set because they answer a new subscription [MQTT-3.3.1-8].
      for (const message of event.messages) deliver(state, session, { ...message, retain: true }, event.qos, effects);
      return;
    }
    case "restored":
      findLostSockets(state, now, effects);
      return;
    case "tick":
      expire(state, now, effects);
      return;
    case "put_device":
      putDevice(state, event.device, event.tokenSha256, now, effects);
      return;
    case "remove_device":
      removeDevice(state, event.device, now, effects);
      return;
    case "put_member":
      putMember(state, event.user, event.role, now, effects);
      return;
    case "put_group":
      putGroup(state, event.group, event.content, now, effects);
      return;
    case "end_session":
      endLoginSession(state, event.sid, event.user, now, effects);
      return;
    case "publish_command":
      publishCommand(state, event.device, event.payload, effects);
      return;
    case "outbox_drained":
      state.outboxBytes = Math.max(0, state.outboxBytes - event.bytes);
      return;
  }
}

/** Events of a socket that has ended in the meantime are nobody's. */
function withSocket(state: BrokerState, id: SocketId, then: (socket: Socket) => void): void {
  const socket = state.sockets.get(id);
  if (socket !== undefined) then(socket);
}

function openSocket(
  state: BrokerState,
  event: BrokerEvent & { kind: "socket_opened" },
  now: number,
  effects: Effect[],
): void {
  const socket: Socket = {
    id: event.socket,
    acceptedAtMs: now,
    upgrade: event.upgrade,
    phase: "fresh",
    connect: null,
    session: null,
    identity: null,
    keepAliveSeconds: 0,
    lastSeenMs: now,
    expiresAtMs: null,
    unheardBytes: 0,
  };
  state.sockets.set(socket.id, socket);
  effects.push({ kind: "save_socket", socket });
}

/** The connection ended without a DISCONNECT: the will is published. */
function end(state: BrokerState, socket: Socket, close: Close | null, now: number, effects: Effect[]): void {
  dropSocket(state, socket, now, { graceful: false, close, presence: true }, effects);
}

function handlePacket(state: BrokerState, socket: Socket, packet: Packet, now: number, effects: Effect[]): void {
  socket.lastSeenMs = now;
  socket.unheardBytes = 0;
  if (packet.type === "connect") {
    if (socket.phase === "fresh") runConnection(state, socket, packet, null, now, effects);
    else end(state, socket, { code: 1002, reason: "a second CONNECT [MQTT-3.1.0-2]" }, now, effects);
    return;
  }
  const session = socket.session === null ? undefined : state.sessions.get(socket.session);
  if (session === undefined) {
    end(state, socket, { code: 1002, reason: "the first packet is a CONNECT [MQTT-3.1.0-1]" }, now, effects);
    return;
  }
  effects.push({ kind: "save_socket", socket });
  handleSessionPacket(state, socket, session, packet, now, effects);
}

function handleSessionPacket(
  state: BrokerState,
  socket: Socket,
  session: Session,
  packet: Packet,
  now: number,
  effects: Effect[],
): void {
  switch (packet.type) {
    case "connect":
      throw new Error("a CONNECT is handled before its session is looked up");
    case "publish":
      publish(state, socket, session, packet, now, effects);
      return;
    case "puback":
    case "pubrec":
    case "pubcomp": {
      const close = acknowledge(state, socket.id, session, packet.type, packet.packetId, effects);
      if (close !== null) end(state, socket, close, now, effects);
      return;
    }
    case "pubrel":
      release(socket, session, packet.packetId, effects);
      return;
    case "subscribe":
      subscribe(state, socket.id, session, packet, effects);
      return;
    case "unsubscribe":
      unsubscribe(state, socket.id, session, packet, effects);
      return;
    case "pingreq":
      effects.push({ kind: "send", socket: socket.id, packet: { type: "pingresp" } });
      return;
    case "disconnect":
      // The will is discarded [MQTT-3.1.2-10].
      dropSocket(
        state,
        socket,
        now,
        { graceful: true, close: { code: 1000, reason: "goodbye" }, presence: true },
        effects,
      );
      return;
    case "connack":
    case "suback":
    case "unsuback":
    case "pingresp":
      throw new Error("the decoder lets no server packet in from a client");
  }
}

/**
 * Bytes that are no packet end the connection [MQTT-4.8.0-1]. An unsupported level is answered first
 * with CONNACK 0x01 in 3.1.1's form [MQTT-3.1.2-2], which a 5.0 client reads as "unacceptable protocol version".
 */
function handleRefusal(state: BrokerState, socket: Socket, refusal: Refusal, now: number, effects: Effect[]): void {
  if (refusal.kind === "protocol_level" && socket.phase === "fresh") {
    effects.push({
      kind: "send",
      socket: socket.id,
      packet: { type: "connack", sessionPresent: false, returnCode: 1 },
    });
    end(state, socket, { code: 1002, reason: "this server speaks MQTT 3.1.1 (level 4)" }, now, effects);
    return;
  }
  end(state, socket, { code: 1002, reason: `${refusal.kind} [${refusal.clause}]` }, now, effects);
}

function handleLoaded(state: BrokerState, event: BrokerEvent & { kind: "loaded" }, effects: Effect[]): void {
  const from = state.sessions.get(event.from);
  const to = state.sessions.get(event.to);
  if (from === undefined || to === undefined) return;
  if (from === to) sendLoaded(to, event.messages, effects);
  else claimMailbox(state, from, to, event.messages, effects);
}

/** A crash or a release ends sockets without an event: their wills and presence are due now. */
function findLostSockets(state: BrokerState, now: number, effects: Effect[]): void {
  for (const socket of [...state.sockets.values()]) {
    if (socket.session === null || state.sessions.get(socket.session)?.socket === socket.id) continue;
    end(state, socket, { code: 1008, reason: "the session is gone; connect again" }, now, effects);
  }
  for (const session of [...state.sessions.values()]) {
    if (session.socket === null || state.sockets.has(session.socket)) continue;
    detachSession(state, session, now, { graceful: false, presence: true }, effects);
  }
}

function expire(state: BrokerState, now: number, effects: Effect[]): void {
  for (const socket of [...state.sockets.values()]) {
    const deadline = deadlineOf(socket);
    if (deadline !== null && deadline.atMs <= now) end(state, socket, deadline.close, now, effects);
  }
  for (const [sid, untilMs] of state.endedSids) {
    if (untilMs > now) continue;
    state.endedSids.delete(sid);
    effects.push({ kind: "write", write: { kind: "delete_ended_sid", sid } });
  }
}
