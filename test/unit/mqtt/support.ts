import { packetBytesMax } from "../../../core/limits.ts";
import type { DecodeOptions } from "../../../core/mqtt/decode.ts";
import type { PacketStream, StreamItem } from "../../../core/mqtt/packet-stream.ts";
import type { Packet, ProtocolLevel, Sender } from "../../../core/mqtt/packets.ts";
import type { RefusalKind } from "../../../core/mqtt/refusals.ts";

/** Bytes from hexadecimal digits; whatever else is there sets them apart. */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/[^0-9a-f]/gi, "");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export const under = (
  level: ProtocolLevel | null,
  sender: Sender = "client",
  bytesMax = packetBytesMax,
): DecodeOptions => ({
  level,
  sender,
  packetBytesMax: bytesMax,
});

/** A packet without the bytes it came in. */
export const withoutWire = (packet: Packet): Packet => (packet.type === "publish" ? { ...packet, wire: null } : packet);

/** Everything that a stream says when its bytes come in chunks of the given sizes, over and over. */
export function feed(stream: PacketStream, bytes: Uint8Array, sizes: readonly number[]): StreamItem[] {
  const items: StreamItem[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    // A frame of its own, as from a socket.
    stream.push(bytes.slice(at, at + size));
    at += size;
    for (let item = stream.next(); item.kind !== "incomplete"; item = stream.next()) {
      items.push(item.kind === "packet" ? { kind: "packet", packet: withoutWire(item.packet) } : item);
      if (item.kind === "refused") return items;
    }
  }
  return items;
}

export const join = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** What no receiver may accept, with the statement that says so and what 5.0 has it answer. */
export type Trap = readonly [
  what: string,
  level: ProtocolLevel | null,
  bytes: string,
  kind: RefusalKind,
  clause: string,
  reasonCode: number,
  sender?: Sender,
];
