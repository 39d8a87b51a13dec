import type { ByteReader } from "./byte-reader.ts";
import type { AckPacket, AuthPacket, DisconnectPacket, ProtocolLevel, Sender } from "./packets.ts";
import { readProperties } from "./property-codec.ts";
import { checkReasonCode } from "./reason-code-tables.ts";
import { reasonCodes } from "./reason-codes.ts";

/** What can't be read is refused before a reason code that can. PUBACK, PUBREC, PUBREL, PUBCOMP: in 5.0 a body of 2 means success, one of 3 has no properties. */
export function decodeAck(
  reader: ByteReader,
  type: AckPacket["type"],
  level: ProtocolLevel,
  sender: Sender,
): AckPacket {
  const packetId = reader.packetId();
  if (level < 5 || reader.remaining === 0) return { type, packetId, reasonCode: reasonCodes.success, properties: null };
  const code = reader.byte();
  const properties = reader.remaining === 0 ? null : readProperties(reader, type, sender);
  return { type, packetId, reasonCode: checkReasonCode(code, type, sender), properties };
}

/** Before 5.0 there is no body; in 5.0 an empty one means normal disconnection (section 3.14.2.1). */
export function decodeDisconnect(reader: ByteReader, level: ProtocolLevel, sender: Sender): DisconnectPacket {
  if (level < 5) return { type: "disconnect", reasonCode: reasonCodes.success, properties: null };
  const code = decodeReason(reader);
  const properties = reader.remaining === 0 ? null : readProperties(reader, "disconnect", sender);
  return { type: "disconnect", reasonCode: checkReasonCode(code, "disconnect", sender), properties };
}

/** An empty body means success (section 3.15.2.1), which only a server says. */
export function decodeAuth(reader: ByteReader, sender: Sender): AuthPacket {
  const reasonCode = checkReasonCode(decodeReason(reader), "auth", sender);
  const properties = reader.remaining === 0 ? null : readProperties(reader, "auth", sender);
  return { type: "auth", reasonCode, properties };
}

function decodeReason(reader: ByteReader): number {
  return reader.remaining === 0 ? reasonCodes.success : reader.byte();
}
