import { type Packet, type ProtocolLevel, type PublishPacket, packetTypes } from "./packets.ts";

const utf8 = new TextEncoder();

/**
 * Encodes one packet. What can't be put on the wire (a packet id of 0, a string over 65,535 bytes,
 * a lone surrogate) is a bug of the caller and throws.
 */
export function encodePacket(packet: Packet, _version: ProtocolLevel): Uint8Array {
  const parts: Uint8Array[] = [];
  let flags = 0;
  switch (packet.type) {
    case "publish":
      return encodePublish(packet);
    case "connect":
      parts.push(
        text("MQTT"),
        new Uint8Array([packet.level, connectFlags(packet), ...uint16(packet.keepAliveSeconds)]),
      );
      parts.push(text(packet.clientId));
      if (packet.will !== null) parts.push(text(packet.will.topic), binary(packet.will.payload));
      if (packet.username !== null) parts.push(text(packet.username));
      if (packet.password !== null) parts.push(binary(packet.password));
      break;
    case "connack":
      parts.push(new Uint8Array([packet.sessionPresent ? 1 : 0, packet.returnCode]));
      break;
    case "pubrel":
      flags = 0b0010;
      parts.push(packetId(packet.packetId));
      break;
    case "puback":
    case "pubrec":
    case "pubcomp":
    case "unsuback":
      parts.push(packetId(packet.packetId));
      break;
    case "subscribe":
      flags = 0b0010;
      parts.push(packetId(packet.packetId));
      for (const { filter, qos } of packet.subscriptions) parts.push(text(filter), new Uint8Array([qos]));
      break;
    case "suback":
      parts.push(packetId(packet.packetId), new Uint8Array(packet.codes));
      break;
    case "unsubscribe":
      flags = 0b0010;
      parts.push(packetId(packet.packetId), ...packet.filters.map(text));
      break;
    case "pingreq":
    case "pingresp":
    case "disconnect":
      break;
  }
  return assemble(packet.type, flags, parts);
}

function encodePublish(packet: PublishPacket): Uint8Array {
  const flags = (packet.dup ? 0b1000 : 0) | (packet.qos << 1) | (packet.retain ? 1 : 0);
  if (packet.qos === 0 && packet.dup) throw new RangeError("DUP must be 0 at QoS 0 [MQTT-3.3.1-2]");
  if ((packet.qos === 0) !== (packet.packetId === null)) throw new RangeError("a packet id goes with QoS above 0");
  const parts = [text(packet.topic)];
  if (packet.packetId !== null) parts.push(packetId(packet.packetId));
  parts.push(packet.payload);
  return assemble("publish", flags, parts);
}

function connectFlags(packet: Packet & { type: "connect" }): number {
  const { will, username, password, clean } = packet;
  if (password !== null && username === null) throw new RangeError("a password needs a user name [MQTT-3.1.2-22]");
  return (
    (username !== null ? 0x80 : 0) |
    (password !== null ? 0x40 : 0) |
    (will?.retain === true ? 0x20 : 0) |
    ((will?.qos ?? 0) << 3) |
    (will !== null ? 0x04 : 0) |
    (clean ? 0x02 : 0)
  );
}

function assemble(type: Packet["type"], flags: number, parts: readonly Uint8Array[]): Uint8Array {
  let bodyBytes = 0;
  for (const part of parts) bodyBytes += part.length;
  if (bodyBytes > 268_435_455) throw new RangeError("a packet body is at most 268,435,455 bytes (section 2.2.3)");
  const lengthBytes = bodyBytes < 128 ? 1 : bodyBytes < 16_384 ? 2 : bodyBytes < 2_097_152 ? 3 : 4;
  const bytes = new Uint8Array(1 + lengthBytes + bodyBytes);
  bytes[0] = (packetTypes.indexOf(type) << 4) | flags;
  let rest = bodyBytes;
  for (let index = 1; index <= lengthBytes; index += 1) {
    bytes[index] = (rest & 0x7f) | (index < lengthBytes ? 0x80 : 0);
    rest >>>= 7;
  }
  let at = 1 + lengthBytes;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function uint16(value: number): [number, number] {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff) throw new RangeError("not a two-byte integer");
  return [value >> 8, value & 0xff];
}

function packetId(id: number): Uint8Array {
  if (id === 0) throw new RangeError("a packet id is never 0 [MQTT-2.3.1-1]");
  return new Uint8Array(uint16(id));
}

function binary(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(2 + bytes.length);
  out.set(uint16(bytes.length));
  out.set(bytes, 2);
  return out;
}

function text(value: string): Uint8Array {
  if (value.includes("\0") || !value.isWellFormed()) throw new RangeError("not an MQTT string (section 1.5.3)");
  return binary(utf8.encode(value));
}
