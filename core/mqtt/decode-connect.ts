import type { ByteReader } from "./byte-reader.ts";
import type { FixedHeader } from "./fixed-header.ts";
import type { ConnackPacket, ConnectPacket, ProtocolLevel, QoS, Will } from "./packets.ts";
import { readProperties } from "./property-codec.ts";
import { checkReasonCode } from "./reason-code-tables.ts";
import { type ReasonCode, reasonCodes } from "./reason-codes.ts";
import { FieldRefused } from "./refusals.ts";
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

function levelOf(asked: number, min: ProtocolLevel, max: ProtocolLevel): ProtocolLevel | null {
  return asked >= min && asked <= max ? (asked as ProtocolLevel) : null;
}

function decodeFields(reader: ByteReader, level: ProtocolLevel): ConnectPacket {
  const flags = reader.byte();
  if ((flags & 0x01) !== 0) throw new FieldRefused("connect_reserved_flag");
  const hasWill = (flags & 0x04) !== 0;
  if (!hasWill && (flags & 0x38) !== 0) throw new FieldRefused("will_flags_without_will");
  if ((flags & 0x18) === 0x18) throw new FieldRefused("will_qos_3");
  const hasUsername = (flags & 0x80) !== 0;
  const hasPassword = (flags & 0x40) !== 0;
  if (hasPassword && !hasUsername && level < 5) throw new FieldRefused("password_without_username");
  const keepAliveSeconds = reader.uint16();
  const properties = level === 5 ? readProperties(reader, "connect", "client") : null;
  const clientId = reader.text();
  const will = hasWill ? decodeWill(reader, flags, level) : null;
  // 3.1 lets the length in front overrule these two flags (3.1 section 3.1).
  const username = hasUsername && !isLeftOut(reader, level) ? reader.text() : null;
  const password = hasPassword && !isLeftOut(reader, level) ? reader.binary() : null;
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

function decodeWill(reader: ByteReader, flags: number, level: ProtocolLevel): Will {
  const properties = level === 5 ? readProperties(reader, "will", "client") : null;
  return {
    topic: reader.text(),
    payload: reader.binary(),
    qos: ((flags >> 3) & 0x03) as QoS,
    retain: (flags & 0x20) !== 0,
    properties,
  };
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
