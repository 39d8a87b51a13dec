import { type DecodeOptions, decodeHeader, decodePacket } from "./decode.ts";
import type { Packet } from "./packets.ts";
import type { Refusal } from "./refusals.ts";

export type StreamItem =
  | { readonly kind: "packet"; readonly packet: Packet }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "incomplete" };

/**
 * Cuts a byte stream into packets. A WebSocket frame may hold several packets or a part of one
 * [MQTT-6.0.0-4], so chunk boundaries mean nothing.
 *
 * Cost is linear in the bytes: chunks are joined once, when a whole packet is there, so a packet
 * sent in one-byte frames is no attack. Memory stays under one packet and one chunk, because a
 * length over the maximum is refused from the header alone. After a refusal nothing more is read.
 */
export class PacketStream {
  private readonly options: DecodeOptions;
  /** Written by `push` and `next`. Invariant: the sum of the chunks' lengths is `length`. */
  private chunks: Uint8Array[] = [];
  private length = 0;
  private failure: Refusal | null = null;

  constructor(options: DecodeOptions) {
    this.options = options;
  }

  /** Adds bytes as they came. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.chunks.push(chunk);
    this.length += chunk.length;
  }

  /** Bytes that wait for the rest of their packet. */
  get pendingBytes(): number {
    return this.length;
  }

  /** The waiting bytes themselves, for storage across an eviction. */
  pending(): Uint8Array {
    return this.join();
  }

  /** The next packet, or why there is none. */
  next(): StreamItem {
    if (this.failure !== null) return { kind: "refused", refusal: this.failure };
    const result = decodeHeader((offset) => this.byteAt(offset), this.options);
    if (result.kind === "incomplete") return result;
    if (result.kind === "refused") return this.fail(result.refusal);
    if (this.length < result.header.headerBytes + result.header.bodyBytes) return { kind: "incomplete" };
    const bytes = this.join();
    const decoded = decodePacket(bytes, this.options);
    if (decoded.kind === "refused") return this.fail(decoded.refusal);
    if (decoded.kind === "incomplete") throw new Error("a packet whose bytes are all there can't be incomplete");
    const rest = bytes.subarray(decoded.bytes);
    this.chunks = rest.length === 0 ? [] : [rest];
    this.length = rest.length;
    return { kind: "packet", packet: decoded.packet };
  }

  private fail(refusal: Refusal): StreamItem {
    this.failure = refusal;
    this.chunks = [];
    this.length = 0;
    return { kind: "refused", refusal };
  }

  /** Only offsets of a fixed header (0–4) are asked for, so the walk is short. */
  private byteAt(offset: number): number | undefined {
    let left = offset;
    for (const chunk of this.chunks) {
      if (left < chunk.length) return chunk[left];
      left -= chunk.length;
    }
    return undefined;
  }

  private join(): Uint8Array {
    const [only] = this.chunks;
    if (only !== undefined && this.chunks.length === 1) return only;
    const joined = new Uint8Array(this.length);
    let at = 0;
    for (const chunk of this.chunks) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    this.chunks = joined.length === 0 ? [] : [joined];
    return joined;
  }
}
