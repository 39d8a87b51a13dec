import { type PacketType, type ProtocolLevel, packetTypes, type Sender } from "./packets.ts";
import type { RefusalKind } from "./refusals.ts";

/** What the first bytes of a packet say; one object is filled again and again. */
export class FixedHeader {
  type: PacketType = "pingreq";
  flags = 0;
  /** Bytes of the length field. */
  lengthBytes = 1;
  /** Where the body begins and ends. */
  bodyAt = 0;
  end = 0;
  /** Why there is no such packet; only with the answer "refused". */
  refused: RefusalKind = "reserved_packet_type";
}

/** Under whose rules bytes are judged. */
export interface DecodeOptions {
  /** The level that CONNECT agreed on; null before it, when nothing but a CONNECT will do. */
  readonly level: ProtocolLevel | null;
  /** Who sent the bytes. */
  readonly sender: Sender;
  /** Largest whole packet, header included. */
  readonly packetBytesMax: number;
}

/**
 * Reads the fixed header that begins at `at`: type, direction, flags and length are all judged before a
 * byte of the body is awaited or allocated, but a CONNECT's flags, which its level decides about.
 * @param limit where the received bytes end; the body need not be there
 */
export function readFixedHeader(
  bytes: Uint8Array,
  at: number,
  limit: number,
  { level, sender, packetBytesMax }: DecodeOptions,
  header: FixedHeader,
): "read" | "incomplete" | "refused" {
  if (at >= limit) return "incomplete";
  const first = bytes[at] as number;
  const verdict = verdictsOf(level, sender)[first] as RefusalKind | null;
  if (verdict === "reserved_packet_type" || verdict === "connect_expected") return refuse(header, verdict);
  header.type = packetTypes[first >> 4] as PacketType;
  header.flags = first & 0x0f;
  let bodyBytes = 0;
  for (let index = 0; index < 4; index += 1) {
    const next = at + 1 + index;
    if (next >= limit) return "incomplete";
    const byte = bytes[next] as number;
    bodyBytes |= (byte & 0x7f) << (7 * index);
    if (byte > 0x7f) continue;
    header.lengthBytes = index + 1;
    header.bodyAt = next + 1;
    header.end = next + 1 + bodyBytes;
    if (bodyBytes > 0 && isPing(header.type)) return refuse(header, "ping_with_body");
    if (verdict !== null) return refuse(header, verdict);
    if (header.end - at > packetBytesMax) return refuse(header, "packet_too_large");
    // 5.0 alone asks for the shortest form.
    if (byte === 0 && index > 0 && level === 5) return refuse(header, "variable_byte_integer_overlong");
    return bodyBytes > bodyBytesMax(header.type, level) ? refuse(header, "trailing_bytes") : "read";
  }
  return refuse(header, "remaining_length_malformed");
}

function refuse(header: FixedHeader, kind: RefusalKind): "refused" {
  header.refused = kind;
  return "refused";
}

function isPing(type: PacketType): boolean {
  return type === "pingreq" || type === "pingresp";
}

/** The body of a packet that has one size only; a longer one is refused before it is there. */
function bodyBytesMax(type: PacketType, level: ProtocolLevel | null): number {
  if (type === "publish" || level === 5) return Number.POSITIVE_INFINITY;
  switch (type) {
    case "connack":
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
    case "unsuback":
      return 2;
    case "disconnect":
      return 0;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** By first byte: why no packet begins with it, or null. */
type Verdicts = readonly (RefusalKind | null)[];

const verdicts: Readonly<Record<Sender, readonly Verdicts[]>> = {
  client: [null, 3, 4, 5].map((level) => allVerdicts(level as ProtocolLevel | null, "client")),
  server: [null, 3, 4, 5].map((level) => allVerdicts(level as ProtocolLevel | null, "server")),
};

function verdictsOf(level: ProtocolLevel | null, sender: Sender): Verdicts {
  return verdicts[sender][level === null ? 0 : level - 2] as Verdicts;
}

function allVerdicts(level: ProtocolLevel | null, sender: Sender): Verdicts {
  return Array.from({ length: 256 }, (_, first) => verdict(first, level, sender));
}

function verdict(first: number, level: ProtocolLevel | null, sender: Sender): RefusalKind | null {
  const type = packetTypes[first >> 4] ?? null;
  if (type === null || (type === "auth" && level !== 5)) return "reserved_packet_type";
  if (!maySend(type, level, sender)) return "wrong_direction";
  if (level === null && type !== "connect") return "connect_expected";
  const flags = first & 0x0f;
  if (type === "publish") {
    if ((flags & 0b0110) === 0b0110) return "qos_3";
    return (flags & 0b1110) === 0b1000 ? "dup_at_qos_0" : null;
  }
  if (type === "connect") return null;
  if (type !== "pubrel" && type !== "subscribe" && type !== "unsubscribe")
    return flags === 0 ? null : type === "auth" ? "auth_header_flags" : "fixed_header_flags";
  // 3.1 sends these at QoS 1, and marks one that is sent again (3.1 section 2.1).
  return flags === 0b0010 || (level === 3 && flags === 0b1010) ? null : "fixed_header_flags";
}

/** True when this sender may send this packet (table 2.1; in 5.0 a server disconnects too). */
function maySend(type: PacketType, level: ProtocolLevel | null, sender: Sender): boolean {
  switch (type) {
    case "connect":
    case "subscribe":
    case "unsubscribe":
    case "pingreq":
      return sender === "client";
    case "connack":
    case "suback":
    case "unsuback":
    case "pingresp":
      return sender === "server";
    case "disconnect":
      return sender === "client" || level === 5;
    default:
      return true;
  }
}
