import { encodedTopic } from "./encoded-topic.ts";
import type {
  AckPacket,
  AuthPacket,
  ConnectPacket,
  DisconnectPacket,
  Packet,
  ProtocolLevel,
  PublishPacket,
  SubscribePacket,
} from "./packets.ts";
import { propertiesBytes, propertyBlockBytes } from "./property-codec.ts";
import { assertReasonCode } from "./reason-code-tables.ts";
import { reasonCodes } from "./reason-codes.ts";
import { textBytes } from "./utf8.ts";
import { variableByteIntegerBytes } from "./variable-byte-integer.ts";

/**
 * Bytes of the whole packet as `encodePacket` writes it, for Maximum Packet Size [MQTT-3.1.2-24].
 * @throws RangeError as `encodePacket`
 */
export function encodedLength(packet: Packet, level: ProtocolLevel): number {
  const body = bodyBytes(packet, level);
  return 1 + variableByteIntegerBytes(body) + body;
}

/**
 * Bytes of the body, and the only place where a packet is judged before it is written.
 * @throws RangeError on what can't be put on the wire
 */
export function bodyBytes(packet: Packet, level: ProtocolLevel): number {
  switch (packet.type) {
    case "publish":
      return publishBytes(packet, level);
    case "connect":
      return connectBytes(packet, level);
    case "connack":
      if (packet.sessionPresent && packet.reasonCode !== reasonCodes.success)
        throw new RangeError("a refusal has no session [MQTT-3.2.2-6]");
      if (level < 5) return 2;
      assertReasonCode(packet.reasonCode, "connack");
      return 2 + propertyBlockBytes(packet.properties, "connack");
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return packetIdBytes(packet.packetId) + (level < 5 ? 0 : reasonedBytes(packet));
    case "subscribe":
      return subscribeBytes(packet, level);
    case "unsubscribe": {
      let bytes = packetIdBytes(packet.packetId) + blockBytes(packet, level);
      if (packet.filters.length === 0) throw new RangeError("an UNSUBSCRIBE names a filter [MQTT-3.10.3-2]");
      for (const filter of packet.filters) bytes += 2 + textBytes(filter);
      return bytes;
    }
    case "suback":
    case "unsuback": {
      const bytes = packetIdBytes(packet.packetId) + blockBytes(packet, level);
      if (level < 5 && packet.type === "unsuback") return bytes;
      if (packet.codes.length === 0) throw new RangeError(`a ${packet.type} has a code for each filter`);
      for (const code of packet.codes) assertReasonCode(code, packet.type);
      return bytes + packet.codes.length;
    }
    case "disconnect":
      if (level < 5 && packet.reasonCode !== reasonCodes.success)
        throw new RangeError("before 5.0 a DISCONNECT is a client's and has no reason (3.1.1 section 3.14)");
      return level < 5 ? 0 : reasonedBytes(packet);
    case "auth":
      if (level < 5) throw new RangeError("before 5.0 there is no AUTH (3.1.1 section 2.2.1)");
      return reasonedBytes(packet);
    case "pingreq":
    case "pingresp":
      return 0;
  }
}

function publishBytes(packet: PublishPacket, level: ProtocolLevel): number {
  const { topic, qos, packetId, properties } = packet;
  if (qos === 0 && packet.dup) throw new RangeError("DUP is 0 at QoS 0 [MQTT-3.3.1-2]");
  if ((qos === 0) !== (packetId === null)) throw new RangeError("a packet id goes with QoS above 0 [MQTT-2.2.1-2]");
  if (topic === "" && (level < 5 || properties?.topicAlias === undefined))
    throw new RangeError("a PUBLISH has a topic, or in 5.0 an alias (section 3.3.2.1)");
  return (
    encodedTopic(topic).length +
    (packetId === null ? 0 : packetIdBytes(packetId)) +
    (level < 5 ? 0 : propertyBlockBytes(properties, "publish")) +
    packet.payload.length
  );
}

function connectBytes(packet: ConnectPacket, level: ProtocolLevel): number {
  const { will, username, password } = packet;
  if (packet.level !== level) throw new RangeError("a CONNECT is encoded at the level it asks for");
  if (password !== null && username === null && level < 5)
    throw new RangeError("a password needs a user name before 5.0 [MQTT-3.1.2-22]");
  assertUint16(packet.keepAliveSeconds);
  let bytes = (level === 3 ? 8 : 6) + 4 + blockBytes(packet, level) + 2 + textBytes(packet.clientId);
  if (will !== null) {
    bytes += 4 + textBytes(will.topic) + binaryBytes(will.payload);
    if (level === 5) bytes += propertyBlockBytes(will.properties, "will");
  }
  if (username !== null) bytes += 2 + textBytes(username);
  if (password !== null) bytes += 2 + binaryBytes(password);
  return bytes;
}

function subscribeBytes(packet: SubscribePacket, level: ProtocolLevel): number {
  let bytes = packetIdBytes(packet.packetId) + blockBytes(packet, level);
  if (packet.subscriptions.length === 0) throw new RangeError("a SUBSCRIBE names a filter [MQTT-3.8.3-2]");
  for (const { filter } of packet.subscriptions) bytes += 3 + textBytes(filter);
  return bytes;
}

/** A reason and properties in 5.0: both are left out when there is nothing to say, the second alone too. */
function reasonedBytes({ type, reasonCode, properties }: AckPacket | DisconnectPacket | AuthPacket): number {
  assertReasonCode(reasonCode, type);
  if (propertiesBytes(properties, type) > 0) return 1 + propertyBlockBytes(properties, type);
  return reasonCode === reasonCodes.success ? 0 : 1;
}

function blockBytes(
  packet: Extract<Packet, { type: "connect" | "subscribe" | "suback" | "unsubscribe" | "unsuback" }>,
  level: ProtocolLevel,
): number {
  return level === 5 ? propertyBlockBytes(packet.properties, packet.type) : 0;
}

function packetIdBytes(id: number): 2 {
  if (id === 0) throw new RangeError("a packet id is never 0 [MQTT-2.3.1-1]");
  assertUint16(id);
  return 2;
}

function assertUint16(value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff) throw new RangeError("not a two-byte integer");
}

function binaryBytes(bytes: Uint8Array): number {
  if (bytes.length > 0xffff) throw new RangeError("binary data takes at most 65,535 bytes (section 1.5.6)");
  return bytes.length;
}
