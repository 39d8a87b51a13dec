import type { Packet } from "../../core/mqtt/packets.ts";

/**
 * The packets that a socket is to be sent, as the last link of a chain. Sockets that were given the same
 * packets in the same order share the chain, and so the bytes: one message to 200 subscribers is encoded
 * and laid out once, whatever else went to all of them before.
 */
export interface Batch {
  readonly before: Batch | null;
  readonly packet: Packet | null;
  readonly modern: boolean;
  /** The link that was made last; most chains have no other. */
  next: Batch | null;
  frames: readonly Uint8Array[] | null;
}
