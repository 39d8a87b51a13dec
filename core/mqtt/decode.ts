import { ByteReader } from "./byte-reader.ts";
import { decodeConnack, decodeConnect, refuseConnectFlags } from "./decode-connect.ts";
import { decodeAck, decodeAuth, decodeDisconnect } from "./decode-reasoned.ts";
import { decodeSuback, decodeSubscribe, decodeUnsuback, decodeUnsubscribe } from "./decode-subscribe.ts";
import { type DecodeOptions, FixedHeader, readFixedHeader } from "./fixed-header.ts";
import type { Packet, ProtocolLevel, PublishPacket, QoS, Sender } from "./packets.ts";
import { readProperties } from "./property-codec.ts";
import { FieldRefused, type Refusal, refusal, refusalOf } from "./refusals.ts";
import { TopicCache } from "./topic-cache.ts";
import { variableByteIntegerBytes } from "./variable-byte-integer.ts";

export type { DecodeOptions } from "./fixed-header.ts";

export type DecodeResult =
  | { readonly kind: "packet"; readonly packet: Packet; readonly bytes: number }
  | { readonly kind: "incomplete" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Decoding never waits, so one of each serves every stream. */
const reader = new ByteReader();

/**
 * Decodes the first packet in `bytes`, for whoever has a whole one; a stream of them is PacketStream's.
 * Payloads and other binary values are views of `bytes`: copy what must outlive them.
 * @returns the packet and how many bytes it took, `incomplete`, or the refusal with its clause
 */
export function decodePacket(bytes: Uint8Array, options: DecodeOptions): DecodeResult {
  const header = new FixedHeader();
  const state = readFixedHeader(bytes, 0, bytes.length, options, header);
  if (state === "refused") return { kind: "refused", refusal: refusal(header.refused, options.level) };
  if (state === "incomplete") return { kind: "incomplete" };
  if (bytes.length < header.end) {
    const early = refuseEarly(bytes, bytes.length, header, options.level);
    return early === null ? { kind: "incomplete" } : { kind: "refused", refusal: early };
  }
  try {
    const packet = decodeBody(bytes, 0, header, options.level, options.sender, new TopicCache());
    return { kind: "packet", packet, bytes: header.end };
  } catch (error) {
    return { kind: "refused", refusal: refusalOf(error, options.level) };
  }
}

/**
 * Decodes the packet whose header was read and whose body is there.
 * @param start where its first byte is
 * @throws FieldRefused
 */
export function decodeBody(
  bytes: Uint8Array,
  start: number,
  header: FixedHeader,
  level: ProtocolLevel | null,
  sender: Sender,
  topics: TopicCache,
): Packet {
  // Without a level only a CONNECT gets this far, and that has its own.
  if (header.type === "publish") return decodePublish(bytes, start, header, level ?? 4, sender, topics);
  reader.reset(bytes, header.bodyAt, header.end);
  const packet = decodeOther(header, level ?? 4, sender);
  reader.finish();
  return packet;
}

/**
 * What can be refused though the packet has not arrived whole: a packet identifier of 0 where it stands
 * first, and a CONNECT's header flags once its level is there. Nothing else is judged before its packet is there, so a packet is judged alike however it is cut.
 * @param limit where the received bytes end
 */
export function refuseEarly(
  bytes: Uint8Array,
  limit: number,
  header: FixedHeader,
  level: ProtocolLevel | null,
): Refusal | null {
  const { type, bodyAt } = header;
  switch (type) {
    case "connect":
      return header.flags === 0 ? null : refuseConnectFlags(bytes, limit, bodyAt);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
    case "subscribe":
    case "suback":
    case "unsubscribe":
    case "unsuback":
      return bodyAt + 2 <= limit && bytes[bodyAt] === 0 && bytes[bodyAt + 1] === 0
        ? refusal(type === "subscribe" || type === "unsubscribe" ? "request_id_zero" : "packet_id_zero", level)
        : null;
    default:
      return null;
  }
}

/** The packet that most are: offsets instead of a reader, nothing allocated but the values themselves. */
function decodePublish(
  bytes: Uint8Array,
  start: number,
  header: FixedHeader,
  level: ProtocolLevel,
  sender: Sender,
  topics: TopicCache,
): PublishPacket {
  const { flags, bodyAt, end } = header;
  if (bodyAt + 2 > end) throw new FieldRefused("field_truncated");
  const topicAt = bodyAt + 2;
  let at = topicAt + (((bytes[bodyAt] as number) << 8) | (bytes[bodyAt + 1] as number));
  if (at > end) throw new FieldRefused("field_truncated");
  const topic = at === topicAt ? "" : topics.read(bytes, topicAt, at);
  const qos = ((flags >> 1) & 0x03) as QoS;
  let packetId: number | null = null;
  if (qos !== 0) {
    if (at + 2 > end) throw new FieldRefused("field_truncated");
    packetId = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    if (packetId === 0) throw new FieldRefused("packet_id_zero");
    at += 2;
  }
  let properties = null;
  if (level === 5) {
    if (at < end && bytes[at] === 0) {
      at += 1;
    } else {
      reader.reset(bytes, at, end);
      properties = readProperties(reader, "publish", sender);
      at = reader.at;
    }
  }
  if (topic === "" && properties?.topicAlias === undefined) throw new FieldRefused("topic_empty");
  return {
    type: "publish",
    dup: (flags & 0x08) !== 0,
    qos,
    retain: (flags & 0x01) !== 0,
    topic,
    packetId,
    payload: new Uint8Array(bytes.buffer, bytes.byteOffset + at, end - at),
    properties,
    // Before 5.0 a length may take more bytes than it needs; that is not handed on as it came.
    wire: isShortest(header) ? { level, bytes: viewOf(bytes, start, end) } : null,
  };
}

function isShortest({ lengthBytes, bodyAt, end }: FixedHeader): boolean {
  return lengthBytes === 1 || lengthBytes === variableByteIntegerBytes(end - bodyAt);
}

function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return start === 0 && end === bytes.length
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

function decodeOther(header: FixedHeader, level: ProtocolLevel, sender: Sender): Packet {
  const { type } = header;
  switch (type) {
    case "connect":
      return decodeConnect(reader, header);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return decodeAck(reader, type, level, sender);
    case "connack":
      return decodeConnack(reader, level);
    case "subscribe":
      return decodeSubscribe(reader, level);
    case "suback":
      return decodeSuback(reader, level);
    case "unsubscribe":
      return decodeUnsubscribe(reader, level);
    case "unsuback":
      return decodeUnsuback(reader, level);
    case "disconnect":
      return decodeDisconnect(reader, level, sender);
    case "auth":
      return decodeAuth(reader, sender);
    case "pingreq":
    case "pingresp":
      return { type };
    case "publish":
      throw new Error("a PUBLISH is decoded by decodePublish");
  }
}
