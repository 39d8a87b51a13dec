import type { Packet } from "../../../core/mqtt/packets.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import type { Refusal } from "../../../core/mqtt/refusals.ts";
import { acknowledge } from "./acknowledge.ts";
import { protocolError, refusal, tryLater } from "./closes.ts";
import { refuseConnection, runConnection } from "./connect.ts";
import { endLoginSession, publishCommand, putDevice, putGroup, putKey, putMember, removeDevice } from "./control.ts";
import { disperse } from "./crowd.ts";
import { deadlineOf } from "./deadlines.ts";
import { claimMailbox, sendLoaded } from "./deliver.ts";
import { disconnect } from "./disconnect.ts";
import type { BrokerEvent, Close, Effect } from "./events.ts";
import { releaseDevice } from "./handover.ts";
import { detachSession, dropSocket, expireSession } from "./lifecycle.ts";
import { seenSavedEveryMs } from "./limits.ts";
import { pace, sendDue } from "./pacing.ts";
import { publish, release } from "./publish.ts";
import { takeRelayed } from "./relayed.ts";
import { deliverRetained } from "./retained.ts";
import { newSocket, type Session, type Socket, type SocketId } from "./session.ts";
import type { BrokerState } from "./state.ts";
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
  advance(state, event, now, effects);
  return { state, effects };
}

/** `step` for who brings the list that the effects are added to: a busy hub takes 100,000 steps a second. */
export function advance(state: BrokerState, event: BrokerEvent, now: number, effects: Effect[]): void {
  if (!goesOn(state, event)) disperse(state);
  switch (event.kind) {
    case "socket_opened":
      open(state, event, now, effects);
      return;
    case "packet": {
      const socket = state.sockets.get(event.socket);
      if (socket !== undefined) handlePacket(state, socket, event.packet, now, effects);
      return;
    }
    case "refused":
      withSocket(state, event.socket, (socket) => handleRefusal(state, socket, event.refusal, now, effects));
      return;
    case "authenticated":
      withSocket(state, event.socket, (socket) => {
        if (socket.connect !== null) runConnection(state, socket, socket.connect, event.identity, now, effects);
      });
      return;
    case "socket_closed":
      withSocket(state, event.socket, (socket) => end(state, socket, null, now, effects));
      return;
    case "shed":
      withSocket(state, event.socket, (socket) => shed(state, socket, event, now, effects));
      return;
    case "close_socket":
      withSocket(state, event.socket, (socket) => end(state, socket, event.close, now, effects));
      return;
    case "loaded":
      handleLoaded(state, event, now, effects);
      return;
    case "retained_loaded":
      deliverRetained(state, event.request, event.messages, now, effects);
      return;
    case "restored":
      attachRestored(state, now, effects);
      return;
    case "tick":
      expire(state, now, effects);
      return;
    case "pace":
      sendDue(state, now, effects);
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
    case "put_key":
      putKey(state, event.user, event.key, effects);
      return;
    case "put_group":
      putGroup(state, event.group, event.content, now, effects);
      return;
    case "end_session":
      endLoginSession(state, event.sid, event.user, now, effects);
      return;
    case "publish_command":
      publishCommand(state, event.device, event.payload, now, effects);
      return;
    case "outbox_drained":
      state.outboxBytes = Math.max(0, state.outboxBytes - event.bytes);
      return;
    case "relayed":
      takeRelayed(state, event.message, event.reach, now, effects);
      return;
    case "release_device":
      releaseDevice(state, event.device, event.reference, now, effects);
      return;
  }
}

/** Whether a crowd, if there is one, outlasts the event: it may be the publisher's next message. */
function goesOn({ crowd, sockets }: BrokerState, event: BrokerEvent): boolean {
  if (crowd === null) return true;
  if (event.kind !== "packet" || event.packet.type !== "publish") return false;
  return sockets.get(event.socket)?.session?.key === crowd.publisher;
}

/** Events of a socket that has ended in the meantime are nobody's. */
function withSocket(state: BrokerState, id: SocketId, then: (socket: Socket) => void): void {
  const socket = state.sockets.get(id);
  if (socket !== undefined) then(socket);
}

function open(
  state: BrokerState,
  event: BrokerEvent & { kind: "socket_opened" },
  now: number,
  effects: Effect[],
): void {
  const socket = newSocket(event.socket, event.upgrade, now);
  state.sockets.set(socket.id, socket);
  effects.push({ kind: "save_socket", socket });
}

/** The connection ended without a DISCONNECT: the will is published. */
function end(state: BrokerState, socket: Socket, close: Close | null, now: number, effects: Effect[]): void {
  dropSocket(state, socket, now, { graceful: false, close, presence: true }, effects);
}

const secondConnect = protocolError("a second CONNECT [MQTT-3.1.0-2]");
const connectFirst = protocolError("the first packet is a CONNECT [MQTT-3.1.0-1]");

function shed(
  state: BrokerState,
  socket: Socket,
  { packet, retryAfterSeconds }: BrokerEvent & { kind: "shed" },
  now: number,
  effects: Effect[],
): void {
  if (socket.phase !== "fresh") {
    end(state, socket, secondConnect, now, effects);
    return;
  }
  socket.level = packet.level;
  const busy = refusal(`busy; retry after ${retryAfterSeconds} s`, reasonCodes.server_unavailable);
  refuseConnection(state, socket, busy, now, effects);
}

/**
 * Whether a packet shows that its sender reads. While messages are in flight only their acknowledgement
 * does: whoever has not read those has not read what was sent behind them, however often he pings.
 */
function readsOn({ session }: Socket, { type }: Packet): boolean {
  if (session === null || session.inflight.size === session.unsent) return true;
  return type === "puback" || type === "pubrec" || type === "pubcomp";
}

function handlePacket(state: BrokerState, socket: Socket, packet: Packet, now: number, effects: Effect[]): void {
  socket.lastSeenMs = now;
  if (readsOn(socket, packet)) socket.unheardBytes = 0;
  if (packet.type === "connect") {
    if (socket.phase === "fresh") runConnection(state, socket, packet, null, now, effects);
    else end(state, socket, secondConnect, now, effects);
    return;
  }
  const { session } = socket;
  if (session === null) {
    end(state, socket, connectFirst, now, effects);
    return;
  }
  // Written seldom: an attachment for each packet would cost more than the packet.
  if (now - socket.savedSeenMs >= seenSavedEveryMs) effects.push({ kind: "save_socket", socket });
  const close = handleSessionPacket(state, socket, session, packet, now, effects);
  if (close !== null) end(state, socket, close, now, effects);
}

/** @returns why the connection ends; null when all is well, or when it has ended already */
function handleSessionPacket(
  state: BrokerState,
  socket: Socket,
  session: Session,
  packet: Packet,
  now: number,
  effects: Effect[],
): Close | null {
  switch (packet.type) {
    case "publish": {
      const waitMs = pace(state, socket, session, packet, now);
      if (typeof waitMs !== "number") return waitMs;
      publish(state, socket, session, packet, waitMs, now, effects);
      return null;
    }
    case "puback":
    case "pubrec":
    case "pubcomp":
      return acknowledge(state, socket, session, { ...packet, type: packet.type }, effects);
    case "pubrel":
      release(socket, session, packet.packetId, effects);
      return null;
    case "subscribe":
      return tooMany(state, socket, session, now) ?? subscribe(state, socket, session, packet, effects);
    case "unsubscribe":
      return tooMany(state, socket, session, now) ?? unsubscribe(state, socket, session, packet, effects);
    case "pingreq": {
      const close = tooMany(state, socket, session, now);
      if (close !== null) return close;
      effects.push({ kind: "send", socket, packet: { type: "pingresp" } });
      return null;
    }
    case "disconnect":
      return disconnect(state, socket, session, packet, now, effects);
    case "auth":
      return protocolError("AUTH without an authentication method [MQTT-4.12.0-6]");
    case "connect":
    case "connack":
    case "suback":
    case "unsuback":
    case "pingresp":
      throw new Error("the decoder lets no server packet in from a client, and CONNECT comes first");
  }
}

/** What has no acknowledgement that could wait is answered at once, and counts all the same. */
function tooMany(state: BrokerState, socket: Socket, session: Session, now: number): Close | null {
  const paced = pace(state, socket, session, null, now);
  return typeof paced === "number" ? null : paced;
}

/**
 * Bytes that are no packet end the connection [MQTT-4.13.1-1]. A CONNECT that could be read as far as its
 * level is answered with CONNACK in that level's form; an unknown level in 3.1.1's, which every client reads.
 */
function handleRefusal(state: BrokerState, socket: Socket, why: Refusal, now: number, effects: Effect[]): void {
  const close = protocolError(`${why.kind} [${why.clause}]`, why.reasonCode);
  if (why.silent) {
    end(state, socket, { ...close, reasonCode: null }, now, effects);
    return;
  }
  const modern = why.level === 5 && why.kind !== "protocol_level";
  if (socket.phase === "fresh" && (modern || why.reasonCode === reasonCodes.unsupported_protocol_version)) {
    socket.level = modern ? 5 : 4;
    refuseConnection(state, socket, close, now, effects);
    return;
  }
  end(state, socket, close, now, effects);
}

function handleLoaded(
  state: BrokerState,
  event: BrokerEvent & { kind: "loaded" },
  now: number,
  effects: Effect[],
): void {
  const from = state.sessions.get(event.from);
  const to = state.sessions.get(event.to);
  if (from === undefined || to === undefined) return;
  if (from === to) sendLoaded(state, to, event.messages, now, effects);
  else claimMailbox(state, from, to, event.messages, now, effects);
}

const heldBack = tryLater(
  "acknowledgements were held back when the hub restarted; connect again",
  reasonCodes.message_rate_too_high,
);
const sessionGone = refusal("the session is gone; connect again", reasonCodes.unspecified_error);

/** Sessions and sockets find each other again. A crash or a release ends sockets without an event: their wills and presence are due now. */
function attachRestored(state: BrokerState, now: number, effects: Effect[]): void {
  for (const socket of [...state.sockets.values()]) {
    const { session } = socket;
    if (session === null) continue;
    if (socket.savedPaced) end(state, socket, heldBack, now, effects);
    else if (session.socket === socket.id) resumeSession(session, socket);
    else end(state, socket, sessionGone, now, effects);
  }
  for (const session of [...state.sessions.values()]) {
    if (session.socket === null || session.attached !== null) continue;
    detachSession(state, session, now, { graceful: false, presence: true }, effects);
  }
}

/** What this connection had not been sent again yet is still to be sent: the last of what is in flight. */
function resumeSession(session: Session, socket: Socket): void {
  session.attached = socket;
  session.unsent = Math.min(socket.savedUnsent, session.inflight.size);
  let sent = session.inflight.size - session.unsent;
  for (const message of session.inflight.values()) {
    message.sent = sent > 0;
    sent -= 1;
  }
}

function expire(state: BrokerState, now: number, effects: Effect[]): void {
  for (const socket of [...state.sockets.values()]) {
    const deadline = deadlineOf(socket);
    if (deadline !== null && deadline.atMs <= now) end(state, socket, deadline.close, now, effects);
  }
  for (const session of [...state.sessions.values()]) expireSession(state, session, now, effects);
  state.rates.sweep(now);
  for (const [sid, untilMs] of state.endedSids) {
    if (untilMs > now) continue;
    state.endedSids.delete(sid);
    effects.push({ kind: "write", write: { kind: "delete_ended_sid", sid } });
  }
}
