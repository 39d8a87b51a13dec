import type { DeviceId } from "../../../core/ids.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";
import { moved } from "./closes.ts";
import type { Effect, StoredMessage } from "./events.ts";
import { dropSocket } from "./lifecycle.ts";
import { messageBytes } from "./message.ts";
import {
  type Message,
  newSession,
  type QueuedMessage,
  type Session,
  type SessionKey,
  type SessionSubscription,
} from "./session.ts";
import { addSession, type BrokerState, type Device, forgetSession, type RetainedEntry, sessionsOf } from "./state.ts";

/** A session without a connection, with the messages themselves. */
export interface BundledSession {
  readonly clientId: string;
  readonly expirySeconds: number;
  readonly disconnectedAtMs: number;
  readonly will: Session["will"];
  readonly willDueAtMs: number | null;
  /** By the text that was subscribed to. */
  readonly subscriptions: readonly (readonly [text: string, subscription: SessionSubscription])[];
  /** In flight in their first order, then waiting: those have no packet id. */
  readonly messages: readonly StoredMessage[];
  /** In the order of the PUBRECs. */
  readonly released: readonly number[];
  readonly received: readonly number[];
}

/** Everything that the broker knows of a device. */
export interface DeviceBundle {
  readonly device: DeviceId;
  readonly entry: Device;
  readonly sessions: readonly BundledSession[];
  readonly retained: readonly Message[];
}

/** Reads from storage what memory has only the numbers of. */
export interface BundleSource {
  messages(key: SessionKey, seqs: readonly number[]): readonly StoredMessage[];
  retained(topics: readonly TopicName[]): readonly Message[];
}

/** Ends a device's sockets, as a connection that the server ends: wills and presence as ever. */
export function releaseDevice(
  state: BrokerState,
  device: DeviceId,
  reference: string,
  now: number,
  effects: Effect[],
): void {
  const close = moved(reference);
  for (const { attached } of sessionsOf(state, device))
    if (attached !== null) dropSocket(state, attached, now, { graceful: false, close, presence: true }, effects);
}

/**
 * Takes a device out of the broker, with all that was promised to it. The sockets have ended before.
 * @returns null for a device that is not known
 */
export function exportDevice(
  state: BrokerState,
  device: DeviceId,
  source: BundleSource,
  effects: Effect[],
): DeviceBundle | null {
  const entry = state.devices.get(device);
  if (entry === undefined) return null;
  const sessions = sessionsOf(state, device).map((session) => exportSession(state, session, source, effects));
  const topics = state.retained.get(device) ?? new Map<TopicName, RetainedEntry>();
  const retained = source.retained([...topics.keys()]);
  for (const [topic, { bytes }] of topics) {
    state.retainedBytes -= bytes;
    effects.push({ kind: "write", write: { kind: "delete_retained", topic } });
  }
  state.retained.delete(device);
  state.devices.delete(device);
  effects.push({ kind: "write", write: { kind: "delete_device", device } });
  return { device, entry: { ...entry }, sessions, retained };
}

function exportSession(state: BrokerState, session: Session, source: BundleSource, effects: Effect[]): BundledSession {
  if (session.attached !== null) throw new Error("a session with a connection can't leave");
  const { clientId, expirySeconds, disconnectedAtMs, will, willDueAtMs } = session;
  const seqs = [...session.inflight.values(), ...session.queue].map(({ seq }) => seq);
  const bundled = {
    clientId,
    expirySeconds,
    disconnectedAtMs,
    will,
    willDueAtMs,
    subscriptions: [...session.subscriptions],
    messages: source.messages(session.key, seqs),
    released: [...session.released],
    received: [...session.received],
  };
  forgetSession(state, session);
  effects.push({ kind: "write", write: { kind: "delete_session", key: session.key } });
  return bundled;
}

/** Takes a device in. Its messages get this broker's numbers, in their order. */
export function importDevice(state: BrokerState, bundle: DeviceBundle, effects: Effect[]): void {
  const { device, entry } = bundle;
  state.devices.set(device, { ...entry });
  effects.push({ kind: "write", write: { kind: "put_device", device, entry: { ...entry } } });
  for (const session of bundle.sessions) importSession(state, device, session, effects);
  const topics = new Map<TopicName, RetainedEntry>();
  for (const message of bundle.retained) {
    // No bound is asked: it was within one where it comes from.
    const bytes = messageBytes(message);
    topics.set(message.topic, { bytes, expiresAtMs: message.expiresAtMs });
    state.retainedBytes += bytes;
    effects.push({ kind: "write", write: { kind: "put_retained", device, message } });
  }
  if (topics.size > 0) state.retained.set(device, topics);
}

function importSession(state: BrokerState, device: DeviceId, bundled: BundledSession, effects: Effect[]): void {
  const session = newSession({ kind: "device", device }, bundled.clientId, bundled.expirySeconds);
  session.disconnectedAtMs = bundled.disconnectedAtMs;
  session.will = bundled.will;
  session.willDueAtMs = bundled.willDueAtMs;
  effects.push({ kind: "write", write: { kind: "put_session", session } });
  const { key } = session;
  for (const [text, subscription] of bundled.subscriptions) {
    session.subscriptions.set(text, subscription);
    effects.push({ kind: "write", write: { kind: "put_subscription", key, text, subscription } });
  }
  for (const { packetId, message } of bundled.messages) {
    const { qos, expiresAtMs } = message;
    const queued: QueuedMessage = { seq: state.nextSeq++, qos, bytes: messageBytes(message), expiresAtMs };
    if (packetId === null) {
      session.queue.push(queued);
      session.queueBytes += queued.bytes;
    } else {
      session.inflight.set(packetId, { ...queued, sent: true });
      session.inflightBytes += queued.bytes;
    }
    effects.push({ kind: "write", write: { kind: "put_message", key, seq: queued.seq, packetId, message } });
  }
  for (const packetId of bundled.released) {
    session.released.add(packetId);
    effects.push({ kind: "write", write: { kind: "put_release", key, packetId, seq: state.nextSeq++ } });
  }
  for (const packetId of bundled.received) {
    session.received.add(packetId);
    effects.push({ kind: "write", write: { kind: "put_received", key, packetId } });
  }
  addSession(state, session);
}
