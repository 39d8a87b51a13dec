import { packetBytesMax } from "../../core/limits.ts";
import { PacketStream } from "../../core/mqtt/packet-stream.ts";
import type { SocketId } from "./broker/state.ts";

/** Bytes a client may send while its credentials are judged: four largest packets. */
export const heldBytesMax = 4 * packetBytesMax;

/** A WebSocket and the bytes of it that are not packets yet. */
export interface LiveSocket {
  readonly id: SocketId;
  readonly socket: WebSocket;
  readonly stream: PacketStream;
  /** True while the credentials are judged: packets wait [MQTT-3.1.4-5]. */
  busy: boolean;
  /** Chunks not yet in `partials`. */
  unsaved: Uint8Array[];
  /** True when a packet was taken out of the stream, so that stored chunks are stale. */
  consumed: boolean;
  /** True while `partials` has rows of this socket. */
  hasPartial: boolean;
}

/** Makes one, resuming from stored bytes. */
export function liveSocket(id: SocketId, socket: WebSocket, partial: readonly Uint8Array[]): LiveSocket {
  const stream = new PacketStream({ version: 4, sender: "client", packetBytesMax });
  for (const chunk of partial) stream.push(chunk);
  return { id, socket, stream, busy: false, unsaved: [], consumed: false, hasPartial: partial.length > 0 };
}
