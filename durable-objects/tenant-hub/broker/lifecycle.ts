import type { DeviceId } from "../../../core/ids.ts";
import { encodedLength } from "../../../core/mqtt/encode.ts";
import type { AckPacket, ConnackPacket, DisconnectPacket } from "../../../core/mqtt/packets.ts";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { parseDeviceTopic } from "../../../core/topics/sentinel-topic.ts";
import { parseTopicName } from "../../../core/topics/topic-name.ts";
import { propertiesOf } from "./closes.ts";
import { disperse } from "./crowd.ts";
import { route } from "./deliver.ts";
import type { Close, Effect } from "./events.ts";
import { expiryOf } from "./message.ts";
import { retain } from "./retained.ts";
import { mayAskAt, mayPublish } from "./rights.ts";
import { type Message, type Session, type Socket, sessionEndMs } from "./session.ts";
import { type BrokerState, forgetSession, sessionsOf } from "./state.ts";
import { statusTopic } from "./topics.ts";

const encoder = new TextEncoder();

/** Adds a record to the outbox: durable with the step that made it, so an acknowledgement covers it. */
export function appendOutbox(state: BrokerState, record: IngestRecord, now: number, effects: Effect[]): void {
  const begun = state.daily.add(now);
  if (begun !== null) effects.push({ kind: "write", write: { kind: "begin_day", begun } });
  const json = JSON.stringify(record);
  // Non-ASCII characters count up to three bytes; the bound needs no more precision than this.
  const bytes = json.length + 64;
  state.outboxBytes += bytes;
  effects.push({ kind: "write", write: { kind: "append_outbox", record, json, bytes } });
}

/** How a connection ended: `graceful` is a DISCONNECT, after which no will is published [MQTT-3.14.4-3]. */
export interface Ending {
  readonly graceful: boolean;
  /** What the client is told; null when the socket is already gone. */
  readonly close: Close | null;
  /** False while a takeover is under way: the device stays online. */
  readonly presence: boolean;
}

/** Without what explains it, if that would take the packet over the client's Maximum Packet Size [MQTT-3.4.2-2]. */
export function asFits<T extends ConnackPacket | AckPacket | DisconnectPacket>(socket: Socket, packet: T): T {
  const fits = socket.packetBytesMax === null || encodedLength(packet, socket.level) <= socket.packetBytesMax;
  return fits ? packet : { ...packet, properties: null };
}

/** Ends a socket and everything that hung on it. */
export function dropSocket(state: BrokerState, socket: Socket, now: number, ending: Ending, effects: Effect[]): void {
  if (!state.sockets.delete(socket.id)) return;
  disperse(state);
  state.paced.delete(socket);
  if (ending.close !== null) {
    sayGoodbye(socket, ending.close, effects);
    effects.push({ kind: "close", socket, close: ending.close });
  }
  const { session } = socket;
  if (session === null || session.socket !== socket.id) return;
  detachSession(state, session, now, ending, effects);
}

/** 5.0 is told why before the close (section 4.13); the reason string only if it fits Maximum Packet Size. */
function sayGoodbye(socket: Socket, close: Close, effects: Effect[]): void {
  const { reasonCode } = close;
  if (socket.level !== 5 || socket.phase !== "connected" || reasonCode === null) return;
  const told: DisconnectPacket = { type: "disconnect", reasonCode, properties: propertiesOf(close) };
  effects.push({ kind: "send", socket, packet: asFits(socket, told) });
}

/** A session loses its socket: will, then the session's own end or rest, then presence. */
export function detachSession(
  state: BrokerState,
  session: Session,
  now: number,
  ending: Pick<Ending, "graceful" | "presence">,
  effects: Effect[],
): void {
  session.socket = null;
  session.attached = null;
  session.disconnectedAtMs = now;
  if (ending.graceful) session.will = null;
  if (session.expirySeconds === 0) {
    finishSession(state, session, now, effects);
  } else {
    const delaySeconds = session.will?.properties?.willDelayInterval ?? 0;
    if (session.will !== null && delaySeconds > 0) session.willDueAtMs = now + delaySeconds * 1000;
    else publishWill(state, session, now, effects);
    effects.push({ kind: "write", write: { kind: "put_session", session } });
  }
  if (ending.presence && session.principal.kind === "device")
    refreshPresence(state, session.principal.device, now, effects);
}

/** Forgets a session without a connection; a will that still waits is published now [MQTT-3.1.3-9]. */
export function finishSession(state: BrokerState, session: Session, now: number, effects: Effect[]): void {
  forgetSession(state, session);
  effects.push({ kind: "write", write: { kind: "delete_session", key: session.key } });
  publishWill(state, session, now, effects);
}

/** A session without a connection: publishes its will and ends it, each if it is due. */
export function expireSession(state: BrokerState, session: Session, now: number, effects: Effect[]): void {
  const endMs = sessionEndMs(session);
  if (endMs !== null && endMs <= now) {
    finishSession(state, session, now, effects);
  } else if (session.willDueAtMs !== null && session.willDueAtMs <= now) {
    publishWill(state, session, now, effects);
    effects.push({ kind: "write", write: { kind: "put_session", session } });
  }
}

/** Publishes a session's will, if it has one, and forgets it. It obeys the rights its owner has now, not those of CONNECT. */
export function publishWill(state: BrokerState, session: Session, now: number, effects: Effect[]): void {
  const { will, principal } = session;
  session.will = null;
  session.willDueAtMs = null;
  if (will === null) return;
  const topic = parseTopicName(will.topic);
  const parsed = topic === null ? null : parseDeviceTopic(topic);
  if (topic === null || parsed === null || !mayPublish(state, principal, parsed)) return;
  if (!mayAskAt(state, principal, will.properties?.responseTopic)) return;
  if (principal.kind === "device" && !state.devices.has(principal.device)) return;
  const { willDelayInterval: _delay, ...rest } = will.properties ?? {};
  const properties = Object.keys(rest).length === 0 ? null : rest;
  const message: Message = {
    topic,
    payload: will.payload,
    qos: will.qos,
    retain: will.retain,
    properties,
    expiresAtMs: expiryOf(properties, now),
  };
  if (message.retain && !retain(state, parsed.device, message, effects)) return;
  route(state, message, null, now, effects);
}

/** Ends a session wholly and without its will: its socket, its subscriptions, what waits for it. */
export function endSession(state: BrokerState, session: Session, now: number, close: Close, effects: Effect[]): void {
  session.will = null;
  session.willDueAtMs = null;
  const socket = session.attached;
  if (socket !== null) dropSocket(state, socket, now, { graceful: true, close, presence: true }, effects);
  if (!state.sessions.has(session.key)) return;
  finishSession(state, session, now, effects);
}

/** Publishes a device's presence when it changed: retained on `status`, and a record for history. */
export function refreshPresence(state: BrokerState, device: DeviceId, now: number, effects: Effect[]): void {
  const entry = state.devices.get(device);
  if (entry === undefined) return;
  const online = sessionsOf(state, device).some((session) => session.socket !== null);
  if (online === entry.online) return;
  entry.online = online;
  entry.sinceMs = now;
  effects.push({ kind: "write", write: { kind: "put_device", device, entry: { ...entry } } });
  const at = new Date(now).toISOString();
  const message = statusMessage(state, device, online, at);
  retain(state, device, message, effects);
  route(state, message, null, now, effects);
  appendOutbox(state, { kind: "presence", device, online, at }, now, effects);
}

/** `{"state":"online","at":…}` as the broker publishes it. */
export function statusMessage(state: BrokerState, device: DeviceId, online: boolean, at: string): Message {
  const payload = encoder.encode(JSON.stringify({ state: online ? "online" : "offline", at }));
  return { topic: statusTopic(state.org, device), payload, qos: 1, retain: true, properties: null, expiresAtMs: null };
}
