import { packetBytesMax } from "../../core/limits.ts";
import { PacketStream } from "../../core/mqtt/packet-stream.ts";
import type { ProtocolLevel } from "../../core/mqtt/packets.ts";
import type { Batch } from "./batch.ts";
import type { SocketId } from "./broker/session.ts";

/** Bytes a client may send while its credentials are judged: four largest packets. */
export const heldBytesMax = 4 * packetBytesMax;

/** A WebSocket, the bytes of it that are not packets yet, and the packets that have not left yet. */
export interface LiveSocket {
  readonly id: SocketId;
  readonly socket: WebSocket;
  readonly stream: PacketStream;
  /** True while the credentials are judged: packets wait [MQTT-3.1.4-5]. */
  busy: boolean;
  /** What it is to be sent with the next flush; null for nothing. Written by `Outgoing`. */
  batch: Batch | null;
  /** True while packets for it lie with its crowd and not in `batch`. Written by `Outgoing`. */
  inBurst: boolean;
  /** Bytes of the partial packet in storage; 0 for none. Written by `PartialKeeper`. */
  keptBytes: number;
  /** How long the next part waits before it is stored, in milliseconds. Written by `PartialKeeper`. */
  keepDelayMs: number;
}

/** Makes one, resuming from stored bytes. */
export function liveSocket(
  id: SocketId,
  socket: WebSocket,
  level: ProtocolLevel | null,
  partial: readonly Uint8Array[],
): LiveSocket {
  const stream = new PacketStream({ level, sender: "client", packetBytesMax });
  for (const chunk of partial) stream.push(chunk);
  return {
    id,
    socket,
    stream,
    busy: false,
    batch: null,
    inBurst: false,
    keptBytes: stream.pendingBytes,
    keepDelayMs: 0,
  };
}
