import type { DeviceId } from "../../core/ids.ts";
import type { QoS } from "../../core/mqtt/packets.ts";
import type { Properties } from "../../core/mqtt/properties.ts";
import { decodeProperties, encodeProperties } from "../../core/mqtt/property-codec.ts";
import type { TopicName } from "../../core/topics/topic-name.ts";
import type { Write } from "./broker/events.ts";
import type { Message, SessionKey } from "./broker/session.ts";

/**
 * The bytes of a journal row: a version, then operations. A string or payload stands where it first
 * occurs in the row; whoever needs it again names that offset, so one message to a thousand sessions is
 * there once, and every operation can be read without those before it. A topic leaves out what it has in
 * common with the row's first one. Numbers are LEB128.
 */

/** Writes that go through the journal. */
export type JournalWrite = Extract<
  Write,
  {
    readonly kind:
      | "put_message"
      | "set_packet_id"
      | "delete_message"
      | "put_release"
      | "delete_release"
      | "put_received"
      | "delete_received"
      | "put_retained"
      | "delete_retained"
      | "delete_session";
  }
>;

/** Every kind of `JournalWrite` is handled where this is called; the compiler proves it. */
export function refuseWrite(write: never): never {
  throw new Error(`the journal has no operation for ${(write as Write).kind}`);
}

const version = 1;
const op = {
  putMessage: 1,
  setPacketId: 2,
  deleteMessage: 3,
  putRelease: 4,
  deleteRelease: 5,
  putReceived: 6,
  deleteReceived: 7,
  putRetained: 8,
  deleteRetained: 9,
  deleteSession: 10,
} as const;

/** Bits of a message's flags; the lowest two are its QoS. */
const flag = { retain: 4, expires: 8, properties: 16 } as const;

/** What an operation takes besides its strings, payload and properties: seven numbers of eight bytes at most. */
const operationBytesMax = 64;
const beginBytes = 64 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Writes rows into one buffer that is used again for each. */
export class JournalEncoder {
  private bytes = new Uint8Array(beginBytes);
  private at = 1;
  /** Where each string of this row stands. */
  private strings = new Map<string, number>();
  /** The same for topics, which stand there in their own way. */
  private topics = new Map<TopicName, number>();
  /** The newest payload of this row and where it stands; 0 for none. */
  private payload: Uint8Array | null = null;
  private payloadAt = 0;
  /** The newest session of this row: most rows are about few. */
  private key: SessionKey | null = null;
  private keyAt = 0;
  /** The first topic of this row, and where its characters stand. */
  private firstTopic: TopicName | null = null;
  private firstTopicAt = 0;

  constructor() {
    this.bytes[0] = version;
  }

  /** Bytes of the row so far, its version included; also where the next operation will stand. */
  get length(): number {
    return this.at;
  }

  /** True when no operation was added since `take`. */
  get isEmpty(): boolean {
    return this.at === 1;
  }

  /** Reads what was added since `take`; what it reads is copied, because the buffer is used again. */
  reader(): JournalReader {
    return new JournalReader(this.bytes.subarray(0, this.at), true);
  }

  /** The finished row, a copy of its own. The next one begins. */
  take(): Uint8Array<ArrayBuffer> {
    const row = this.bytes.slice(0, this.at);
    this.at = 1;
    // New ones: what a Map is cleared of stays in memory for longer (broker/passing-map.ts).
    if (this.strings.size > 0) this.strings = new Map();
    if (this.topics.size > 0) this.topics = new Map();
    this.payload = null;
    this.payloadAt = 0;
    this.key = null;
    this.keyAt = 0;
    this.firstTopic = null;
    return row;
  }

  /** Adds one operation. */
  add(write: JournalWrite): void {
    switch (write.kind) {
      case "put_message":
        this.begin(op.putMessage, write.message);
        this.number(write.seq);
        this.sessionKey(write.key);
        this.number(write.packetId ?? 0);
        this.message(write.message);
        return;
      case "delete_message":
        this.begin(op.deleteMessage, null);
        this.number(write.seq);
        this.sessionKey(write.key);
        return;
      case "set_packet_id":
        this.begin(op.setPacketId, null);
        this.number(write.seq);
        this.sessionKey(write.key);
        this.number(write.packetId);
        return;
      case "put_release":
        this.begin(op.putRelease, null);
        this.number(write.seq);
        this.sessionKey(write.key);
        this.number(write.packetId);
        return;
      case "delete_release":
      case "put_received":
      case "delete_received":
        this.begin(exchangeOps[write.kind], null);
        this.sessionKey(write.key);
        this.number(write.packetId);
        return;
      case "put_retained":
        this.begin(op.putRetained, write.message);
        this.text(write.device);
        this.message(write.message);
        return;
      case "delete_retained":
        this.begin(op.deleteRetained, null);
        this.topic(write.topic);
        return;
      case "delete_session":
        this.begin(op.deleteSession, null);
        this.sessionKey(write.key);
        return;
      default:
        refuseWrite(write);
    }
  }

  /** Makes room for everything of the operation that has no bound of its own here. */
  private begin(code: number, message: Message | null): void {
    this.reserve(operationBytesMax + (message === null ? 0 : message.payload.length));
    this.bytes[this.at++] = code;
  }

  private reserve(bytes: number): void {
    const needed = this.at + bytes;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }

  private number(value: number): void {
    const { bytes } = this;
    let rest = value;
    while (rest > 0x7f) {
      bytes[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    bytes[this.at++] = rest;
  }

  private sessionKey(key: SessionKey): void {
    if (key === this.key) {
      this.number(this.keyAt);
      return;
    }
    this.keyAt = this.text(key);
    this.key = key;
  }

  /** @returns where the string stands */
  private text(value: string): number {
    const known = this.strings.get(value);
    if (known !== undefined) {
      this.number(known);
      return known;
    }
    this.reserve(operationBytesMax + value.length * 3);
    this.bytes[this.at++] = 0;
    const start = this.at;
    this.strings.set(value, start);
    this.characters(value, 0);
    return start;
  }

  /** Another device's topic differs from the first one's in its second half. */
  private topic(topic: TopicName): void {
    const known = this.topics.get(topic);
    if (known !== undefined) {
      this.number(known);
      return;
    }
    this.reserve(operationBytesMax + topic.length * 3);
    this.bytes[this.at++] = 0;
    this.topics.set(topic, this.at);
    const common = this.firstTopic === null ? 0 : commonLength(this.firstTopic, topic);
    this.number(common === 0 ? 0 : this.firstTopicAt);
    this.bytes[this.at++] = common;
    if (this.firstTopic === null) {
      this.firstTopic = topic;
      this.firstTopicAt = this.at;
    }
    this.characters(topic, common);
  }

  /** Two bytes of length, then UTF-8. The longest string, a session's key, has some 290 characters. */
  private characters(value: string, from: number): void {
    const { bytes } = this;
    const start = this.at + 2;
    const length = value.length - from;
    let written = 0;
    // Nearly every string is ASCII, and short: a call to the encoder costs more than this loop.
    for (; written < length; written += 1) {
      const unit = value.charCodeAt(from + written);
      if (unit > 0x7f) break;
      bytes[start + written] = unit;
    }
    if (written < length) written = encoder.encodeInto(value.slice(from), bytes.subarray(start)).written;
    if (written > 0xffff) throw new RangeError("a string of the journal is longer than 65,535 bytes");
    bytes[this.at] = written >> 8;
    bytes[this.at + 1] = written & 0xff;
    this.at = start + written;
  }

  private message(message: Message): void {
    const { payload, properties, expiresAtMs } = message;
    let flags: number = message.qos;
    if (message.retain) flags |= flag.retain;
    if (expiresAtMs !== null) flags |= flag.expires;
    if (properties !== null) flags |= flag.properties;
    this.bytes[this.at++] = flags;
    this.topic(message.topic);
    if (payload === this.payload) this.number(this.payloadAt);
    else this.newPayload(payload);
    if (expiresAtMs !== null) this.number(expiresAtMs);
    if (properties !== null) this.properties(properties);
  }

  private newPayload(payload: Uint8Array): void {
    this.reserve(operationBytesMax + payload.length);
    this.bytes[this.at++] = 0;
    this.payload = payload;
    this.payloadAt = this.at;
    this.number(payload.length);
    this.bytes.set(payload, this.at);
    this.at += payload.length;
  }

  private properties(properties: Properties): void {
    const encoded = encodeProperties(properties);
    this.reserve(operationBytesMax + encoded.length);
    this.number(encoded.length);
    this.bytes.set(encoded, this.at);
    this.at += encoded.length;
  }
}

/** How many characters two topics begin with alike: ASCII, lest a pair of surrogates is torn, and 255 at most. */
function commonLength(one: string, other: string): number {
  const max = Math.min(one.length, other.length, 255);
  for (let at = 0; at < max; at += 1) {
    const unit = one.charCodeAt(at);
    if (unit > 0x7f || unit !== other.charCodeAt(at)) return at;
  }
  return max;
}

const exchangeOps = {
  delete_release: op.deleteRelease,
  put_received: op.putReceived,
  delete_received: op.deleteReceived,
} as const;

/** Reads a row, operation by operation or at an offset. */
export class JournalReader {
  private readonly bytes: Uint8Array;
  private readonly copies: boolean;
  private at = 1;
  /** The payload that was read last: whoever shared it in the row shares it again. */
  private payload: Uint8Array | null = null;
  private payloadAt = 0;

  /**
   * @param copies whether payloads are copied; else they are views of the row
   * @throws when a later release wrote the row
   */
  constructor(bytes: Uint8Array, copies: boolean) {
    if (bytes[0] !== version) throw new Error("the journal was written by a later release; deploy that one again");
    this.bytes = bytes;
    this.copies = copies;
  }

  /** Where the next operation stands. */
  get offset(): number {
    return this.at;
  }

  /** The next operation, or null at the end of the row. */
  next(): JournalWrite | null {
    return this.at < this.bytes.length ? this.operation() : null;
  }

  /** The operation at an offset that `offset` gave when the row was read or written. */
  operationAt(offset: number): JournalWrite {
    this.at = offset;
    return this.operation();
  }

  private operation(): JournalWrite {
    const code = this.byte();
    switch (code) {
      case op.putMessage: {
        const seq = this.number();
        const key = this.sessionKey();
        const packetId = this.number();
        return { kind: "put_message", key, seq, packetId: packetId === 0 ? null : packetId, message: this.message() };
      }
      case op.deleteMessage:
        return { kind: "delete_message", seq: this.number(), key: this.sessionKey() };
      case op.setPacketId:
        return { kind: "set_packet_id", seq: this.number(), key: this.sessionKey(), packetId: this.number() };
      case op.putRelease:
        return { kind: "put_release", seq: this.number(), key: this.sessionKey(), packetId: this.number() };
      case op.deleteRelease:
        return { kind: "delete_release", key: this.sessionKey(), packetId: this.number() };
      case op.putReceived:
        return { kind: "put_received", key: this.sessionKey(), packetId: this.number() };
      case op.deleteReceived:
        return { kind: "delete_received", key: this.sessionKey(), packetId: this.number() };
      case op.putRetained:
        return { kind: "put_retained", device: this.text() as DeviceId, message: this.message() };
      case op.deleteRetained:
        return { kind: "delete_retained", topic: this.topic() };
      case op.deleteSession:
        return { kind: "delete_session", key: this.sessionKey() };
      default:
        throw new Error(`the journal holds operation ${code}, which this release does not know`);
    }
  }

  private byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new Error("a journal row ends inside an operation");
    this.at += 1;
    return byte;
  }

  private number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  private sessionKey(): SessionKey {
    return this.text() as SessionKey;
  }

  private text(): string {
    const reference = this.number();
    if (reference !== 0) return this.characters(reference).text;
    const { text, end } = this.characters(this.at);
    this.at = end;
    return text;
  }

  private characters(start: number): { readonly text: string; readonly end: number } {
    const length = ((this.bytes[start] ?? 0) << 8) | (this.bytes[start + 1] ?? 0);
    const end = start + 2 + length;
    if (end > this.bytes.length) throw new Error("a journal row ends inside a string");
    return { text: decoder.decode(this.bytes.subarray(start + 2, end)), end };
  }

  private topic(): TopicName {
    const reference = this.number();
    const back = this.at;
    if (reference !== 0) this.at = reference;
    const first = this.number();
    const common = this.byte();
    const begin = common === 0 ? "" : this.characters(first).text.slice(0, common);
    const { text, end } = this.characters(this.at);
    this.at = reference === 0 ? end : back;
    return `${begin}${text}` as TopicName;
  }

  private message(): Message {
    const flags = this.byte();
    const topic = this.topic();
    const payload = this.readPayload();
    const expiresAtMs = (flags & flag.expires) === 0 ? null : this.number();
    const properties = (flags & flag.properties) === 0 ? null : decodeProperties(this.blob());
    return { topic, payload, qos: (flags & 3) as QoS, retain: (flags & flag.retain) !== 0, properties, expiresAtMs };
  }

  private readPayload(): Uint8Array {
    const reference = this.number();
    if (reference === 0) {
      this.payloadAt = this.at;
      this.payload = this.blob();
      return this.payload;
    }
    if (reference !== this.payloadAt || this.payload === null) {
      const back = this.at;
      this.at = reference;
      this.payload = this.blob();
      this.payloadAt = reference;
      this.at = back;
    }
    return this.payload;
  }

  private blob(): Uint8Array {
    const length = this.number();
    const start = this.at;
    this.at += length;
    if (this.at > this.bytes.length) throw new Error("a journal row ends inside its bytes");
    return this.copies ? this.bytes.slice(start, this.at) : this.bytes.subarray(start, this.at);
  }
}
