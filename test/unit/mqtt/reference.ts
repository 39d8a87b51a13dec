import { generate, parser, type Packet as ReferencePacket } from "mqtt-packet";
import type { Packet, ProtocolLevel } from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { connackReturnCode } from "../../../core/mqtt/reason-codes.ts";

/** mqtt-packet, in our words. */

/** Names that it spells otherwise, and values that it has as booleans. */
function referenceProperties(properties: Properties): Record<string, unknown> {
  const renamed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(properties)) {
    if (name === "userProperties") renamed[name] = Object.fromEntries(value as readonly (readonly [string, string])[]);
    else if (name === "subscriptionIdentifiers")
      renamed["subscriptionIdentifier"] = (value as number[]).length === 1 ? (value as number[])[0] : value;
    else if (name === "maximumQos") renamed["maximumQoS"] = value;
    else if (booleans.has(name)) renamed[name] = value === 1;
    else renamed[name] = value instanceof Uint8Array ? Buffer.from(value) : value;
  }
  return renamed;
}

const booleans = new Set([
  "payloadFormatIndicator",
  "requestProblemInformation",
  "requestResponseInformation",
  "retainAvailable",
  "wildcardSubscriptionAvailable",
  "subscriptionIdentifiersAvailable",
  "sharedSubscriptionAvailable",
]);

/** Our packet as it would say it. */
export function toReference(packet: Packet, level: ProtocolLevel): ReferencePacket {
  const fields = referenceFields(packet, level);
  if (!("properties" in packet) || packet.properties === null) return fields as unknown as ReferencePacket;
  return { ...fields, properties: referenceProperties(packet.properties) } as unknown as ReferencePacket;
}

function referenceFields(packet: Packet, level: ProtocolLevel): Record<string, unknown> {
  switch (packet.type) {
    case "connect": {
      const { will, username, password } = packet;
      return {
        cmd: "connect",
        protocolId: level === 3 ? "MQIsdp" : "MQTT",
        protocolVersion: level,
        clean: packet.clean,
        keepalive: packet.keepAliveSeconds,
        clientId: packet.clientId,
        ...(username === null ? {} : { username }),
        ...(password === null ? {} : { password: Buffer.from(password) }),
        ...(will === null
          ? {}
          : {
              will: {
                topic: will.topic,
                payload: Buffer.from(will.payload),
                qos: will.qos,
                retain: will.retain,
                ...(will.properties === null ? {} : { properties: referenceProperties(will.properties) }),
              },
            }),
      };
    }
    case "connack":
      return {
        cmd: "connack",
        sessionPresent: packet.sessionPresent,
        ...(level === 5 ? { reasonCode: packet.reasonCode } : { returnCode: connackReturnCode(packet.reasonCode) }),
      };
    case "publish":
      return {
        cmd: "publish",
        dup: packet.dup,
        qos: packet.qos,
        retain: packet.retain,
        topic: packet.topic,
        payload: Buffer.from(packet.payload),
        ...(packet.packetId === null ? {} : { messageId: packet.packetId }),
      };
    case "subscribe":
      return {
        cmd: "subscribe",
        messageId: packet.packetId,
        subscriptions: packet.subscriptions.map(({ filter, qos, noLocal, retainAsPublished, retainHandling }) => ({
          topic: filter,
          qos,
          ...(level === 5 ? { nl: noLocal, rap: retainAsPublished, rh: retainHandling } : {}),
        })),
      };
    case "suback":
    case "unsuback":
      return {
        cmd: packet.type,
        messageId: packet.packetId,
        ...(packet.type === "suback" || level === 5 ? { granted: [...packet.codes] } : {}),
      };
    case "unsubscribe":
      return { cmd: "unsubscribe", messageId: packet.packetId, unsubscriptions: [...packet.filters] };
    case "pingreq":
    case "pingresp":
      return { cmd: packet.type };
    case "disconnect":
    case "auth":
      return { cmd: packet.type, ...(level === 5 ? { reasonCode: packet.reasonCode } : {}) };
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return {
        cmd: packet.type,
        messageId: packet.packetId,
        ...(level === 5 ? { reasonCode: packet.reasonCode } : {}),
      };
  }
}

/** What it writes. */
export function referenceBytes(packet: Packet, level: ProtocolLevel): Uint8Array {
  return new Uint8Array(generate(toReference(packet, level), { protocolVersion: level }));
}

/** What it makes of bytes: its packets, and whether it was content with all of them. */
export function referenceReads(
  bytes: Uint8Array,
  level: ProtocolLevel | null,
): { readonly packets: readonly Record<string, unknown>[]; readonly content: boolean } {
  const packets: Record<string, unknown>[] = [];
  let content = true;
  const reference = parser(level === null ? {} : { protocolVersion: level });
  reference.on("packet", (packet) => packets.push({ ...packet }));
  reference.on("error", () => {
    content = false;
  });
  try {
    if (reference.parse(Buffer.from(bytes)) > 0) content = false;
  } catch {
    content = false;
  }
  return { packets, content: content && packets.length > 0 };
}
