import type { ByteReader } from "./byte-reader.ts";
import type {
  ProtocolLevel,
  QoS,
  RetainHandling,
  SubackPacket,
  SubscribePacket,
  Subscription,
  UnsubackPacket,
  UnsubscribePacket,
} from "./packets.ts";
import { readProperties } from "./property-codec.ts";
import { checkReasonCode } from "./reason-code-tables.ts";
import { type ReasonCode, reasonCodes } from "./reason-codes.ts";
import { FieldRefused } from "./refusals.ts";

/** @throws FieldRefused */
export function decodeSubscribe(reader: ByteReader, level: ProtocolLevel): SubscribePacket {
  const packetId = reader.packetId("request_id_zero");
  const properties = level === 5 ? readProperties(reader, "subscribe", "client") : null;
  const subscriptions: Subscription[] = [];
  while (reader.remaining > 0) subscriptions.push(decodeSubscription(reader, level));
  if (subscriptions.length === 0) throw new FieldRefused("subscribe_empty");
  return { type: "subscribe", packetId, subscriptions, properties };
}

/** One filter with its options: before 5.0 a QoS alone, all other bits reserved. */
function decodeSubscription(reader: ByteReader, level: ProtocolLevel): Subscription {
  const filter = reader.name();
  const options = reader.byte();
  if ((options & (level === 5 ? 0xc0 : 0xfc)) !== 0) throw new FieldRefused("subscribe_reserved_bits");
  const qos = options & 0x03;
  if (qos === 3) throw new FieldRefused("subscribe_qos_3");
  const retainHandling = (options >> 4) & 0x03;
  if (retainHandling === 3) throw new FieldRefused("retain_handling_3");
  return {
    filter,
    qos: qos as QoS,
    noLocal: (options & 0x04) !== 0,
    retainAsPublished: (options & 0x08) !== 0,
    retainHandling: retainHandling as RetainHandling,
  };
}

/** @throws FieldRefused */
export function decodeSuback(reader: ByteReader, level: ProtocolLevel): SubackPacket {
  const packetId = reader.packetId();
  const properties = level === 5 ? readProperties(reader, "suback", "server") : null;
  const codes: ReasonCode[] = [];
  while (reader.remaining > 0) {
    const code = reader.byte();
    if (level < 5 && code > 2 && code !== reasonCodes.unspecified_error) throw new FieldRefused("suback_return_code");
    codes.push(checkReasonCode(code, "suback", "server"));
  }
  if (codes.length === 0) throw new FieldRefused("suback_empty");
  return { type: "suback", packetId, codes, properties };
}

/** @throws FieldRefused */
export function decodeUnsubscribe(reader: ByteReader, level: ProtocolLevel): UnsubscribePacket {
  const packetId = reader.packetId("request_id_zero");
  const properties = level === 5 ? readProperties(reader, "unsubscribe", "client") : null;
  const filters: string[] = [];
  while (reader.remaining > 0) filters.push(reader.name());
  if (filters.length === 0) throw new FieldRefused("unsubscribe_empty");
  return { type: "unsubscribe", packetId, filters, properties };
}

/** @throws FieldRefused */
export function decodeUnsuback(reader: ByteReader, level: ProtocolLevel): UnsubackPacket {
  const packetId = reader.packetId();
  const properties = level === 5 ? readProperties(reader, "unsuback", "server") : null;
  const codes: ReasonCode[] = [];
  while (reader.remaining > 0) codes.push(checkReasonCode(reader.byte(), "unsuback", "server"));
  if (level === 5 && codes.length === 0) throw new FieldRefused("unsuback_empty");
  return { type: "unsuback", packetId, codes, properties };
}
