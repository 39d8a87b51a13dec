import { bodyBytes } from "./encoded-length.ts";
import { encodedTopic } from "./encoded-topic.ts";
import type {
  AckPacket,
  AuthPacket,
  ConnackPacket,
  ConnectPacket,
  DisconnectPacket,
  Packet,
  ProtocolLevel,
  PublishPacket,
  SubscribePacket,
  Subscription,
} from "./packets.ts";
import { packetTypes } from "./packets.ts";
import type { Properties } from "./properties.ts";
import { writeBinaryField, writeProperties, writeTextField, writeUint16 } from "./property-codec.ts";
import { connackReturnCode, reasonCodes } from "./reason-codes.ts";
import { variableByteIntegerBytes, writeVariableByteInteger } from "./variable-byte-integer.ts";

export { encodedLength } from "./encoded-length.ts";

/**
 * Encodes one packet into bytes of its exact size, which nobody else holds. Before 5.0 there are no
 * properties, an acknowledgement has no reason, and a CONNACK or SUBACK gets what its version knows.
 * @throws RangeError on what can't be put on the wire (a packet id of 0, a string over 65,535 bytes, a
 *   reason code that the packet doesn't have, a server's DISCONNECT before 5.0): a bug of the caller
 */
export function encodePacket(packet: Packet, level: ProtocolLevel): Uint8Array {
  const body = bodyBytes(packet, level);
  const bytes = new Uint8Array(1 + variableByteIntegerBytes(body) + body);
  writeMeasured(packet, level, body, bytes, 0);
  return bytes;
}

/**
 * Encodes one packet into a buffer that is there: several times cheaper than `encodePacket`, nearly all
 * of whose time goes into making its array.
 * @returns the offset behind the packet, or -1 when it doesn't fit and nothing was written
 * @throws RangeError as `encodePacket`
 */
export function writePacket(packet: Packet, level: ProtocolLevel, into: Uint8Array, at: number): number {
  const body = bodyBytes(packet, level);
  if (at + 1 + variableByteIntegerBytes(body) + body > into.length) return -1;
  return writeMeasured(packet, level, body, into, at);
}

function writeMeasured(packet: Packet, level: ProtocolLevel, body: number, into: Uint8Array, at: number): number {
  into[at] = firstByte(packet);
  const bodyAt = writeVariableByteInteger(body, into, at + 1);
  const end = writeBody(packet, level, into, bodyAt, bodyAt + body);
  if (end !== bodyAt + body)
    throw new Error(`${packet.type} was measured as ${body} bytes, written as ${end - bodyAt}`);
  return end;
}

function firstByte(packet: Packet): number {
  switch (packet.type) {
    case "publish":
      return 0x30 | (packet.dup ? 0b1000 : 0) | (packet.qos << 1) | (packet.retain ? 1 : 0);
    case "pubrel":
    case "subscribe":
    case "unsubscribe":
      return (packetTypes.indexOf(packet.type) << 4) | 0b0010;
    default:
      return packetTypes.indexOf(packet.type) << 4;
  }
}

function writePublish(packet: PublishPacket, level: ProtocolLevel, into: Uint8Array, at: number): number {
  const topic = encodedTopic(packet.topic);
  into.set(topic, at);
  let next = at + topic.length;
  if (packet.packetId !== null) next = writeUint16(packet.packetId, into, next);
  if (level === 5) next = writeBlock(packet.properties, into, next);
  into.set(packet.payload, next);
  return next + packet.payload.length;
}

/** Writes the body that `bodyBytes` has measured to reach to `end`; the offset behind it. */
function writeBody(packet: Packet, level: ProtocolLevel, into: Uint8Array, at: number, end: number): number {
  switch (packet.type) {
    case "publish":
      return writePublish(packet, level, into, at);
    case "connect":
      return writeConnect(packet, into, at);
    case "connack":
      return writeConnack(packet, level, into, at);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return writeReasoned(packet, into, writeUint16(packet.packetId, into, at), end);
    case "subscribe":
      return writeSubscribe(packet, level, into, at);
    case "unsubscribe": {
      let next = writeUint16(packet.packetId, into, at);
      if (level === 5) next = writeBlock(packet.properties, into, next);
      for (const filter of packet.filters) next = writeTextField(filter, into, next);
      return next;
    }
    case "suback":
    case "unsuback": {
      let next = writeUint16(packet.packetId, into, at);
      if (level === 5) next = writeBlock(packet.properties, into, next);
      else if (packet.type === "unsuback") return next;
      // 3.1.1 has one word for every refusal (section 3.9.3).
      for (const code of packet.codes) into[next++] = level < 5 && code > 2 ? reasonCodes.unspecified_error : code;
      return next;
    }
    case "disconnect":
    case "auth":
      return writeReasoned(packet, into, at, end);
    case "pingreq":
    case "pingresp":
      return at;
  }
}

function writeConnect(packet: ConnectPacket, into: Uint8Array, at: number): number {
  let next = writeTextField(packet.level === 3 ? "MQIsdp" : "MQTT", into, at);
  into[next++] = packet.level;
  into[next++] = connectFlags(packet);
  next = writeUint16(packet.keepAliveSeconds, into, next);
  if (packet.level === 5) next = writeBlock(packet.properties, into, next);
  next = writeTextField(packet.clientId, into, next);
  const { will } = packet;
  if (will !== null) {
    if (packet.level === 5) next = writeBlock(will.properties, into, next);
    next = writeBinaryField(will.payload, into, writeTextField(will.topic, into, next));
  }
  if (packet.username !== null) next = writeTextField(packet.username, into, next);
  if (packet.password !== null) next = writeBinaryField(packet.password, into, next);
  return next;
}

function connectFlags({ will, username, password, clean }: ConnectPacket): number {
  return (
    (username !== null ? 0x80 : 0) |
    (password !== null ? 0x40 : 0) |
    (will?.retain === true ? 0x20 : 0) |
    ((will?.qos ?? 0) << 3) |
    (will !== null ? 0x04 : 0) |
    (clean ? 0x02 : 0)
  );
}

function writeConnack(packet: ConnackPacket, level: ProtocolLevel, into: Uint8Array, at: number): number {
  // 3.1 has no Session Present: that bit is reserved there (3.1 section 3.2).
  into[at] = packet.sessionPresent && level > 3 ? 1 : 0;
  into[at + 1] = level === 5 ? packet.reasonCode : connackReturnCode(packet.reasonCode);
  return level === 5 ? writeBlock(packet.properties, into, at + 2) : at + 2;
}

/** A reason and properties, of which as much is written as was measured: success goes without saying. */
function writeReasoned(
  { reasonCode, properties }: AckPacket | DisconnectPacket | AuthPacket,
  into: Uint8Array,
  at: number,
  end: number,
): number {
  if (at === end) return at;
  into[at] = reasonCode;
  return at + 1 === end ? end : writeBlock(properties, into, at + 1);
}

function writeSubscribe(packet: SubscribePacket, level: ProtocolLevel, into: Uint8Array, at: number): number {
  let next = writeUint16(packet.packetId, into, at);
  if (level === 5) next = writeBlock(packet.properties, into, next);
  for (const subscription of packet.subscriptions) {
    next = writeTextField(subscription.filter, into, next);
    into[next++] = level === 5 ? subscriptionOptions(subscription) : subscription.qos;
  }
  return next;
}

function subscriptionOptions({ qos, noLocal, retainAsPublished, retainHandling }: Subscription): number {
  return qos | (noLocal ? 0x04 : 0) | (retainAsPublished ? 0x08 : 0) | (retainHandling << 4);
}

/** A property block with its length, which is known last: measuring twice would cost as much as writing. */
function writeBlock(properties: Properties | null, into: Uint8Array, at: number): number {
  const start = at + 1;
  const end = writeProperties(properties, into, start);
  const bytes = end - start;
  const wider = variableByteIntegerBytes(bytes) - 1;
  if (wider > 0) into.copyWithin(start + wider, start, end);
  writeVariableByteInteger(bytes, into, at);
  return end + wider;
}
