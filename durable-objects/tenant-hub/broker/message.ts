import type { ProtocolLevel, PublishPacket, QoS } from "../../../core/mqtt/packets.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { reframePublish } from "../../../core/mqtt/reframe.ts";
import type { Message } from "./session.ts";

/** A message's weight in bytes, as bounds count it: payload, topic, what travels with it, some bookkeeping. */
export function messageBytes(message: Pick<Message, "topic" | "payload" | "properties">): number {
  const { topic, payload, properties } = message;
  return payload.length + topic.length + 64 + (properties === null ? 0 : propertiesWeight(properties));
}

function propertiesWeight(properties: Properties): number {
  let bytes = 0;
  for (const value of Object.values(properties) as unknown[]) bytes += weight(value);
  return bytes;
}

function weight(value: unknown): number {
  if (typeof value === "string" || value instanceof Uint8Array) return value.length + 3;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + weight(item), 0);
  return 5;
}

/** What of a PUBLISH's properties travels on: everything but the alias, which is the connection's own [MQTT-3.3.2-7]. */
export function travelling(properties: Properties | null): Properties | null {
  if (properties === null) return null;
  const { topicAlias, ...rest } = properties;
  if (topicAlias === undefined) return properties;
  return Object.keys(rest).length === 0 ? null : rest;
}

/** When a message that comes now is of no use any more (section 3.3.2.3.3). */
export function expiryOf(properties: Properties | null, now: number): number | null {
  const seconds = properties?.messageExpiryInterval;
  return seconds === undefined ? null : now + seconds * 1000;
}

/** True when nobody is to receive it any more. */
export function isExpired(message: Pick<Message, "expiresAtMs">, now: number): boolean {
  return message.expiresAtMs !== null && message.expiresAtMs <= now;
}

/** The properties with the expiry counted down by the time the message waited here [MQTT-3.3.2-6]. */
export function countedDown(message: Message, now: number): Properties | null {
  const { properties, expiresAtMs } = message;
  if (properties === null || expiresAtMs === null) return properties;
  return { ...properties, messageExpiryInterval: Math.max(1, Math.ceil((expiresAtMs - now) / 1000)) };
}

/** The PUBLISH that carries a message. */
export function publishPacket(
  message: Pick<Message, "topic" | "payload">,
  qos: QoS,
  retain: boolean,
  packetId: number | null,
  properties: Properties | null,
): PublishPacket {
  const { topic, payload } = message;
  return { type: "publish", dup: false, qos, retain, topic, packetId, payload, properties, wire: null };
}

/**
 * The packets that one message becomes, each made once: a thousand subscribers of the same kind are sent
 * the same object, which is then encoded once.
 */
export class Fan {
  readonly message: Message;
  /** The packet that brought the message, when it may go on byte for byte. */
  private readonly source: PublishPacket | null;
  private readonly sourceLevel: ProtocolLevel;
  private readonly packets: { readonly packet: PublishPacket; readonly modern: boolean }[] = [];
  private readonly messages: Message[] = [];

  constructor(message: Message, source: PublishPacket | null, sourceLevel: ProtocolLevel) {
    this.message = message;
    this.sourceLevel = sourceLevel;
    // An alias is the sender's own, and an expiry is counted down: those are encoded anew.
    this.source = source !== null && source.wire !== null && source.properties === null ? source : null;
  }

  /** The packet of this kind for a client of this level, without subscription identifiers. */
  packet(level: ProtocolLevel, qos: QoS, retain: boolean, packetId: number | null): PublishPacket {
    const modern = level === 5;
    const { source } = this;
    const fits = source !== null && (this.sourceLevel === 5) === modern;
    if (fits && qos === 0 && source.qos === 0 && source.retain === retain) return source;
    for (const known of this.packets) {
      const { packet } = known;
      if (packet.qos === qos && packet.packetId === packetId && packet.retain === retain && known.modern === modern)
        return packet;
    }
    const packet = publishPacket(this.message, qos, retain, packetId, modern ? this.message.properties : null);
    if (fits && source.wire !== null)
      packet.wire = { level, bytes: reframePublish(source.wire.bytes, qos, retain, packetId) };
    this.packets.push({ packet, modern });
    return packet;
  }

  /** The message as a session of this kind keeps it, without subscription identifiers. */
  kept(qos: QoS, retain: boolean): Message {
    for (const message of this.messages) if (message.qos === qos && message.retain === retain) return message;
    const { message } = this;
    const kept = message.qos === qos && message.retain === retain ? message : { ...message, qos, retain };
    this.messages.push(kept);
    return kept;
  }
}
