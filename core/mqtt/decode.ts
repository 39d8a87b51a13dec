import { ByteReader, FieldRefused } from "./byte-reader.ts";
import {
  type ConnackPacket,
  type ConnectPacket,
  type ConnectReturnCode,
  maySend,
  type Packet,
  type PacketType,
  type ProtocolLevel,
  type PublishPacket,
  packetTypes,
  type QoS,
  type Sender,
  type SubackCode,
  type SubackPacket,
  type SubscribePacket,
  type Subscription,
  type UnsubscribePacket,
} from "./packets.ts";
import { type Refusal, refusal } from "./refusals.ts";

export interface DecodeOptions {
  readonly version: ProtocolLevel;
  /** Who sent the bytes. */
  readonly sender: Sender;
  /** Largest whole packet, header included. */
  readonly packetBytesMax: number;
}

/** What the first bytes of a packet say; known before the body arrives. */
export interface FixedHeader {
  readonly type: PacketType;
  readonly flags: number;
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

export type HeaderResult =
  | { readonly kind: "header"; readonly header: FixedHeader }
  | { readonly kind: "incomplete" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export type DecodeResult =
  | { readonly kind: "packet"; readonly packet: Packet; readonly bytes: number }
  | { readonly kind: "incomplete" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/**
 * Reads a fixed header: type, direction, flags and length are all judged before a byte of the body
 * is awaited or allocated.
 * @param byteAt the byte at an offset, undefined when it has not arrived
 */
export function decodeHeader(byteAt: (offset: number) => number | undefined, options: DecodeOptions): HeaderResult {
  const first = byteAt(0);
  if (first === undefined) return { kind: "incomplete" };
  const type = packetTypes[first >> 4] ?? null;
  if (type === null) return refused("reserved_packet_type");
  if (!maySend(options.sender, type)) return refused("wrong_direction");
  const flags = first & 0x0f;
  if (type === "publish") {
    if ((flags & 0b0110) === 0b0110) return refused("qos_3");
    if ((flags & 0b1110) === 0b1000) return refused("dup_at_qos_0");
  } else if (flags !== (type === "pubrel" || type === "subscribe" || type === "unsubscribe" ? 0b0010 : 0)) {
    return refused("fixed_header_flags");
  }
  let bodyBytes = 0;
  for (let index = 0; index < 4; index += 1) {
    const byte = byteAt(1 + index);
    if (byte === undefined) return { kind: "incomplete" };
    bodyBytes += (byte & 0x7f) * 128 ** index;
    if ((byte & 0x80) !== 0) continue;
    const headerBytes = 2 + index;
    if (headerBytes + bodyBytes > options.packetBytesMax) return refused("packet_too_large");
    return { kind: "header", header: { type, flags, headerBytes, bodyBytes } };
  }
  return refused("remaining_length_malformed");
}

/**
 * Decodes the first packet in `bytes`. Payloads are views of `bytes`: copy what must outlive them.
 * @returns the packet and how many bytes it took, `incomplete`, or the refusal with its clause
 */
export function decodePacket(bytes: Uint8Array, options: DecodeOptions): DecodeResult {
  const result = decodeHeader((offset) => bytes[offset], options);
  if (result.kind !== "header") return result;
  const { header } = result;
  const total = header.headerBytes + header.bodyBytes;
  if (bytes.length < total) return { kind: "incomplete" };
  const reader = new ByteReader(bytes.subarray(header.headerBytes, total));
  try {
    const packet = decodeBody(header, reader);
    reader.end();
    return { kind: "packet", packet, bytes: total };
  } catch (error) {
    if (error instanceof FieldRefused) return { kind: "refused", refusal: refusal(error.kind, error.level) };
    throw error;
  }
}

function refused(kind: Refusal["kind"]): { kind: "refused"; refusal: Refusal } {
  return { kind: "refused", refusal: refusal(kind) };
}

function decodeBody(header: FixedHeader, reader: ByteReader): Packet {
  const { type } = header;
  switch (type) {
    case "connect":
      return decodeConnect(reader);
    case "connack":
      return decodeConnack(reader);
    case "publish":
      return decodePublish(header.flags, reader);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
    case "unsuback":
      return { type, packetId: reader.packetId() };
    case "subscribe":
      return decodeSubscribe(reader);
    case "suback":
      return decodeSuback(reader);
    case "unsubscribe":
      return decodeUnsubscribe(reader);
    case "pingreq":
    case "pingresp":
    case "disconnect":
      return { type };
  }
}

function decodeConnect(reader: ByteReader): ConnectPacket {
  // Name and level come first so that a client of another version is told so, whatever follows.
  const name = reader.text();
  if (name !== "MQTT" && name !== "MQIsdp") throw new FieldRefused("protocol_name");
  const level = reader.byte();
  if (name !== "MQTT" || level !== 4) throw new FieldRefused("protocol_level", level);
  const flags = reader.byte();
  if ((flags & 0x01) !== 0) throw new FieldRefused("connect_reserved_flag");
  const hasWill = (flags & 0x04) !== 0;
  const willQos = (flags >> 3) & 0x03;
  if (!hasWill && (flags & 0x38) !== 0) throw new FieldRefused("will_flags_without_will");
  if (willQos === 3) throw new FieldRefused("will_qos_3");
  const hasUsername = (flags & 0x80) !== 0;
  const hasPassword = (flags & 0x40) !== 0;
  if (hasPassword && !hasUsername) throw new FieldRefused("password_without_username");
  const keepAliveSeconds = reader.uint16();
  const clientId = reader.text();
  const will = hasWill
    ? { topic: reader.text(), payload: reader.binary(), qos: willQos as QoS, retain: (flags & 0x20) !== 0 }
    : null;
  const username = hasUsername ? reader.text() : null;
  const password = hasPassword ? reader.binary() : null;
  return {
    type: "connect",
    level: 4,
    clean: (flags & 0x02) !== 0,
    keepAliveSeconds,
    clientId,
    will,
    username,
    password,
  };
}

function decodeConnack(reader: ByteReader): ConnackPacket {
  const flags = reader.byte();
  if (flags > 1) throw new FieldRefused("connack_flags");
  const returnCode = reader.byte();
  if (returnCode > 5) throw new FieldRefused("connack_return_code");
  if (flags === 1 && returnCode !== 0) throw new FieldRefused("connack_session_present");
  return { type: "connack", sessionPresent: flags === 1, returnCode: returnCode as ConnectReturnCode };
}

function decodePublish(flags: number, reader: ByteReader): PublishPacket {
  const qos = ((flags >> 1) & 0x03) as QoS;
  const topic = reader.text();
  const packetId = qos === 0 ? null : reader.packetId();
  return {
    type: "publish",
    dup: (flags & 0x08) !== 0,
    qos,
    retain: (flags & 0x01) !== 0,
    topic,
    packetId,
    payload: reader.rest(),
  };
}

function decodeSubscribe(reader: ByteReader): SubscribePacket {
  const packetId = reader.packetId();
  const subscriptions: Subscription[] = [];
  while (reader.remaining > 0) {
    const filter = reader.text();
    const options = reader.byte();
    if (options > 2) throw new FieldRefused("subscribe_reserved_bits");
    subscriptions.push({ filter, qos: options as QoS });
  }
  if (subscriptions.length === 0) throw new FieldRefused("subscribe_empty");
  return { type: "subscribe", packetId, subscriptions };
}

function decodeSuback(reader: ByteReader): SubackPacket {
  const packetId = reader.packetId();
  const codes: SubackCode[] = [];
  while (reader.remaining > 0) {
    const code = reader.byte();
    if (code > 2 && code !== 0x80) throw new FieldRefused("suback_return_code");
    codes.push(code as SubackCode);
  }
  if (codes.length === 0) throw new FieldRefused("suback_empty");
  return { type: "suback", packetId, codes };
}

function decodeUnsubscribe(reader: ByteReader): UnsubscribePacket {
  const packetId = reader.packetId();
  const filters: string[] = [];
  while (reader.remaining > 0) filters.push(reader.text());
  if (filters.length === 0) throw new FieldRefused("unsubscribe_empty");
  return { type: "unsubscribe", packetId, filters };
}
