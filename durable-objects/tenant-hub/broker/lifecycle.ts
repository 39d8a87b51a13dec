import type { DeviceId } from "../../../core/ids.ts";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { parseDeviceTopic } from "../../../core/topics/sentinel-topic.ts";
import { parseTopicName } from "../../../core/topics/topic-name.ts";
import { route } from "./deliver.ts";
import type { Close, Effect } from "./events.ts";
import { retain } from "./retained.ts";
import { mayPublish } from "./rights.ts";
import { type BrokerState, forgetSession, type Message, type Session, type Socket, sessionsOf } from "./state.ts";
import { statusTopic } from "./topics.ts";

const encoder = new TextEncoder();

/** Adds a record to the outbox: durable with the step that made it, so an acknowledgement covers it. */
export function appendOutbox(state: BrokerState, record: IngestRecord, effects: Effect[]): void {
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

/** Ends a socket and everything that hung on it. */
export function dropSocket(state: BrokerState, socket: Socket, now: number, ending: Ending, effects: Effect[]): void {
  state.sockets.delete(socket.id);
  if (ending.close !== null) effects.push({ kind: "close", socket: socket.id, close: ending.close });
  const session = socket.session === null ? undefined : state.sessions.get(socket.session);
  if (session === undefined || session.socket !== socket.id) return;
  detachSession(state, session, now, ending, effects);
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
  session.disconnectedAtMs = now;
  const { will } = session;
  session.will = null;
  if (session.clean) {
    forgetSession(state, session);
    effects.push({ kind: "write", write: { kind: "delete_session", key: session.key } });
  } else {
    effects.push({ kind: "write", write: { kind: "put_session", session } });
  }
  if (will !== null && !ending.graceful) publishWill(state, session, will, effects);
  if (ending.presence && session.principal.kind === "device")
    refreshPresence(state, session.principal.device, now, effects);
}

/** A will obeys the rights its owner has now, not those it had at CONNECT. */
function publishWill(
  state: BrokerState,
  session: Session,
  will: NonNullable<Session["will"]>,
  effects: Effect[],
): void {
  const topic = parseTopicName(will.topic);
  const parsed = topic === null ? null : parseDeviceTopic(topic);
  if (topic === null || parsed === null || !mayPublish(state, session.principal, parsed)) return;
  if (session.principal.kind === "device" && !state.devices.has(session.principal.device)) return;
  const message: Message = { topic, payload: will.payload, qos: will.qos, retain: will.retain };
  if (message.retain && !retain(state, parsed.device, message, effects)) return;
  route(state, message, effects);
}

/** Ends a session wholly: its socket, its subscriptions, what waits for it. */
export function endSession(state: BrokerState, session: Session, now: number, close: Close, effects: Effect[]): void {
  const socket = session.socket === null ? undefined : state.sockets.get(session.socket);
  session.will = null;
  if (socket !== undefined) dropSocket(state, socket, now, { graceful: true, close, presence: true }, effects);
  if (!state.sessions.has(session.key)) return;
  forgetSession(state, session);
  effects.push({ kind: "write", write: { kind: "delete_session", key: session.key } });
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
  route(state, message, effects);
  appendOutbox(state, { kind: "presence", device, online, at }, effects);
}

/** `{"state":"online","at":…}` as the broker publishes it. */
export function statusMessage(state: BrokerState, device: DeviceId, online: boolean, at: string): Message {
  const payload = encoder.encode(JSON.stringify({ state: online ? "online" : "offline", at }));
  return { topic: statusTopic(state.org, device), payload, qos: 1, retain: true };
}
