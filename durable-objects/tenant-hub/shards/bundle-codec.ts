import type { DeviceId } from "../../../core/ids.ts";
import type { QoS, RetainHandling } from "../../../core/mqtt/packets.ts";
import { decodeProperties, encodeProperties } from "../../../core/mqtt/property-codec.ts";
import { parseSubscription } from "../../../core/topics/topic-filter.ts";
import type { BundledSession, DeviceBundle } from "../broker/handover.ts";
import { type Session, type SessionSubscription, sessionKey } from "../broker/session.ts";
import type { Device } from "../broker/state.ts";
import { JournalEncoder, JournalReader, type JournalWrite } from "../journal-codec.ts";

/**
 * A device's bundle as parts of at most about 1 MiB, which fit a row and a call. The first byte of a part
 * says what follows: JSON about the device or one session, or a row of the journal with messages.
 */

const tag = { device: 1, session: 2, messages: 3 } as const;
const partBytesMax = 1024 * 1024;

interface SessionJson {
  readonly clientId: string;
  readonly expirySeconds: number;
  readonly disconnectedAtMs: number;
  readonly will: { topic: string; payload: string; qos: QoS; retain: boolean; properties: string | null } | null;
  readonly willDueAtMs: number | null;
  readonly subscriptions: readonly (readonly [
    text: string,
    qos: QoS,
    noLocal: boolean,
    retainAsPublished: boolean,
    retainHandling: RetainHandling,
    identifier: number | null,
  ])[];
}

/** At least one part. */
export function encodeBundle(bundle: DeviceBundle): Uint8Array<ArrayBuffer>[] {
  const { device, entry, sessions, retained } = bundle;
  const parts = [json(tag.device, { device, entry }), ...sessions.map((one) => json(tag.session, sessionJson(one)))];
  const encoder = new JournalEncoder();
  for (const write of writesOf(bundle)) {
    encoder.add(write);
    if (encoder.length > partBytesMax) parts.push(tagged(tag.messages, encoder.take()));
  }
  for (const message of retained) {
    encoder.add({ kind: "put_retained", device, message });
    if (encoder.length > partBytesMax) parts.push(tagged(tag.messages, encoder.take()));
  }
  if (!encoder.isEmpty) parts.push(tagged(tag.messages, encoder.take()));
  return parts;
}

/** @throws when the parts are not those of one device */
export function decodeBundle(parts: readonly Uint8Array[]): DeviceBundle {
  let head: { readonly device: DeviceId; readonly entry: Device } | null = null;
  const jsons: SessionJson[] = [];
  const writes: JournalWrite[] = [];
  for (const part of parts) {
    const body = part.subarray(1);
    if (part[0] === tag.device) head = parsed(body) as typeof head;
    else if (part[0] === tag.session) jsons.push(parsed(body) as SessionJson);
    else if (part[0] === tag.messages) writes.push(...operations(body));
    else throw new Error("a part of a device's bundle is of an unknown kind");
  }
  if (head === null) throw new Error("a device's bundle names no device");
  const { device, entry } = head;
  const sessions = new Map(jsons.map((one) => [keyOf(device, one.clientId), emptySession(one)] as const));
  const retained: DeviceBundle["retained"][number][] = [];
  for (const write of writes) {
    if (write.kind === "put_retained") {
      retained.push(write.message);
      continue;
    }
    const session = "key" in write ? sessions.get(write.key) : undefined;
    if (session === undefined) throw new Error("a bundle holds a message of no session");
    if (write.kind === "put_message") session.messages.push(write);
    else if (write.kind === "put_release") session.released.push(write.packetId);
    else if (write.kind === "put_received") session.received.push(write.packetId);
    else throw new Error(`a bundle holds ${write.kind}`);
  }
  return { device, entry, sessions: [...sessions.values()], retained };
}

function* writesOf({ device, sessions }: DeviceBundle): IterableIterator<JournalWrite> {
  for (const { clientId, messages, released, received } of sessions) {
    const key = keyOf(device, clientId);
    for (const { seq, packetId, message } of messages) yield { kind: "put_message", key, seq, packetId, message };
    for (const [seq, packetId] of released.entries()) yield { kind: "put_release", key, packetId, seq };
    for (const packetId of received) yield { kind: "put_received", key, packetId };
  }
}

type MutableSession = Omit<BundledSession, "messages" | "released" | "received"> & {
  readonly messages: BundledSession["messages"][number][];
  readonly released: number[];
  readonly received: number[];
};

function emptySession(stored: SessionJson): MutableSession {
  const { clientId, expirySeconds, disconnectedAtMs, willDueAtMs } = stored;
  const subscriptions = stored.subscriptions.map(
    ([text, qos, noLocal, retainAsPublished, retainHandling, identifier]): [string, SessionSubscription] => {
      const spec = parseSubscription(text);
      if (spec === null) throw new Error("a bundle holds a malformed filter");
      return [text, { spec, qos, noLocal, retainAsPublished, retainHandling, identifier }];
    },
  );
  const will = willOf(stored.will);
  const common = { clientId, expirySeconds, disconnectedAtMs, will, willDueAtMs, subscriptions };
  return { ...common, messages: [], released: [], received: [] };
}

function sessionJson(session: BundledSession): SessionJson {
  const { clientId, expirySeconds, disconnectedAtMs, will, willDueAtMs } = session;
  const subscriptions = session.subscriptions.map(
    ([text, { qos, noLocal, retainAsPublished, retainHandling, identifier }]) =>
      [text, qos, noLocal, retainAsPublished, retainHandling, identifier] as const,
  );
  return { clientId, expirySeconds, disconnectedAtMs, will: willJson(will), willDueAtMs, subscriptions };
}

function willJson(will: Session["will"]): SessionJson["will"] {
  if (will === null) return null;
  const { topic, payload, qos, retain, properties } = will;
  const encoded = properties === null ? null : base64(encodeProperties(properties));
  return { topic, payload: base64(payload), qos, retain, properties: encoded };
}

function willOf(stored: SessionJson["will"]): Session["will"] {
  if (stored === null) return null;
  const { topic, payload, qos, retain, properties } = stored;
  const decoded = properties === null ? null : decodeProperties(bytes(properties));
  return { topic, payload: bytes(payload), qos, retain, properties: decoded };
}

function operations(row: Uint8Array): JournalWrite[] {
  const reader = new JournalReader(row, false);
  const writes: JournalWrite[] = [];
  for (let write = reader.next(); write !== null; write = reader.next()) writes.push(write);
  return writes;
}

const keyOf = (device: DeviceId, clientId: string) => sessionKey({ kind: "device", device }, clientId);
const base64 = (value: Uint8Array): string => Buffer.from(value).toString("base64");
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));
const parsed = (body: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(body));
const json = (kind: number, value: unknown) => tagged(kind, new TextEncoder().encode(JSON.stringify(value)));

function tagged(kind: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const part = new Uint8Array(body.length + 1);
  part[0] = kind;
  part.set(body, 1);
  return part;
}
