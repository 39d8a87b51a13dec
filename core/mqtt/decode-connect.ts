import type { ByteReader } from "./byte-reader.ts";
import type { FixedHeader } from "./fixed-header.ts";
import type { ConnackPacket, ConnectPacket, ProtocolLevel, QoS, Will } from "./packets.ts";
import { readProperties } from "./property-codec.ts";
import { checkReasonCode } from "./reason-code-tables.ts";
import { type ReasonCode, reasonCodes } from "./reason-codes.ts";
import { FieldRefused, isTextRefusal, type Refusal, refusal, unanswered } from "./refusals.ts";
import { variableByteIntegerBytes } from "./variable-byte-integer.ts";

/**
 * Decodes CONNECT. Name and level come first, so that a client of another version is told so, whatever
 * follows; from there on a refusal is of the version that was asked for, and says it.
 * @throws FieldRefused
 */
export function decodeConnect(reader: ByteReader, header: FixedHeader): ConnectPacket {
  const name = reader.text();
  if (name !== "MQTT" && name !== "MQIsdp") throw new FieldRefused("protocol_name");
  const asked = reader.byte();
  const level = name === "MQIsdp" ? levelOf(asked, 3, 3) : levelOf(asked, 4, 5);
  try {
    // The highest bit is a bridge's own sign, and makes no level that the specification knows.
    if (level === null) throw new FieldRefused("protocol_level");
    if (level > 3 && header.flags !== 0) throw new FieldRefused("connect_header_flags");
    // Only now is it known that the length in front had to be the shortest [MQTT-1.5.5-1].
    if (level === 5 && header.lengthBytes > variableByteIntegerBytes(header.end - header.bodyAt))
      throw new FieldRefused("variable_byte_integer_overlong");
    const packet = decodeFields(reader, level);
    reader.finish();
    return packet;
  } catch (error) {
    if (error instanceof FieldRefused) error.asked = asked;
    throw error;
  }
}

/** "MQTT" behind its length. 3.1, which is "MQIsdp", doesn't use the header flags of a CONNECT. */
const nameField = [0x00, 0x04, 0x4d, 0x51, 0x54, 0x54] as const;

/**
 * The refusal of a CONNECT with header flags, as soon as its level has come; null until then, and when
 * the level is one that doesn't use them, or none that we know.
 * @param limit where the received bytes end
 */
export function refuseConnectFlags(bytes: Uint8Array, limit: number, bodyAt: number): Refusal | null {
  const levelAt = bodyAt + nameField.length;
  if (levelAt >= limit || nameField.some((byte, index) => bytes[bodyAt + index] !== byte)) return null;
  const asked = bytes[levelAt] as number;
  return levelOf(asked, 4, 5) === null ? null : refusal("connect_header_flags", asked, null, asked);
}

function levelOf(asked: number, min: ProtocolLevel, max: ProtocolLevel): ProtocolLevel | null {
  return asked >= min && asked <= max ? (asked as ProtocolLevel) : null;
}

function decodeFields(reader: ByteReader, level: ProtocolLevel): ConnectPacket {
  const flags = unanswered(() => reader.byte());
  // 3.1 doesn't use this bit, nor forbid what no will has use for (3.1 section 3.1).
  if (level > 3 && (flags & 0x01) !== 0) throw new FieldRefused("connect_reserved_flag");
  const hasWill = (flags & 0x04) !== 0;
  if ((flags & 0x18) === 0x18) throw new FieldRefused("will_qos_3");
  if (level > 3 && !hasWill && (flags & 0x38) !== 0) throw new FieldRefused("will_flags_without_will");
  const hasUsername = (flags & 0x80) !== 0;
  const hasPassword = (flags & 0x40) !== 0;
  if (hasPassword && !hasUsername && level < 5) throw new FieldRefused("password_without_username");
  const keepAliveSeconds = unanswered(() => reader.uint16());
  const properties = level === 5 ? readProperties(reader, "connect", "client") : null;
  const clientId = decodeClientId(reader);
  const will = hasWill ? decodeWill(reader, flags, level) : null;
  // 3.1 lets the length in front overrule these two flags (3.1 section 3.1).
  const username = hasUsername && !isLeftOut(reader, level) ? unanswered(() => reader.text()) : null;
  const password = hasPassword && !isLeftOut(reader, level) ? unanswered(() => reader.binary()) : null;
  return {
    type: "connect",
    level,
    clean: (flags & 0x02) !== 0,
    keepAliveSeconds,
    clientId,
    will,
    username,
    password,
    properties,
  };
}

function isLeftOut(reader: ByteReader, level: ProtocolLevel): boolean {
  return level === 3 && reader.remaining === 0;
}

/** A CONNECT that ends in the client id is cut off; one whose client id is no name is told so. */
function decodeClientId(reader: ByteReader): string {
  try {
    return unanswered(() => reader.name());
  } catch (error) {
    if (error instanceof FieldRefused && isTextRefusal(error.kind)) throw new FieldRefused("client_id_malformed");
    throw error;
  }
}

function decodeWill(reader: ByteReader, flags: number, level: ProtocolLevel): Will {
  const properties = level === 5 ? readProperties(reader, "will", "client") : null;
  return {
    topic: decodeWillTopic(reader),
    payload: reader.binary(),
    qos: ((flags >> 3) & 0x03) as QoS,
    retain: (flags & 0x20) !== 0,
    properties,
  };
}

function decodeWillTopic(reader: ByteReader): string {
  try {
    return reader.name();
  } catch (error) {
    if (error instanceof FieldRefused && isTextRefusal(error.kind)) error.silent = true;
    throw error;
  }
}

/** What the return codes of 3.1.1 (table 3.1) are in 5.0. */
const reasonOfReturnCode: readonly (ReasonCode | undefined)[] = [
  reasonCodes.success,
  reasonCodes.unsupported_protocol_version,
  reasonCodes.client_identifier_not_valid,
  reasonCodes.server_unavailable,
  reasonCodes.bad_user_name_or_password,
  reasonCodes.not_authorized,
];

/** @throws FieldRefused */
export function decodeConnack(reader: ByteReader, level: ProtocolLevel): ConnackPacket {
  const flags = reader.byte();
  // 3.1 has no Session Present: all bits are reserved there (3.1 section 3.2).
  if (flags > (level === 3 ? 0 : 1)) throw new FieldRefused("connack_flags");
  const code = reader.byte();
  const reasonCode = level === 5 ? checkReasonCode(code, "connack", "server") : reasonOfReturnCode[code];
  if (reasonCode === undefined) throw new FieldRefused("connack_return_code");
  if (flags === 1 && code !== 0) throw new FieldRefused("connack_session_present");
  const properties = level === 5 ? readProperties(reader, "connack", "server") : null;
  return { type: "connack", sessionPresent: flags === 1, reasonCode, properties };
}
