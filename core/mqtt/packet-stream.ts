import { decodeBody, refuseEarly } from "./decode.ts";
import { type DecodeOptions, FixedHeader, readFixedHeader } from "./fixed-header.ts";
import type { Packet, ProtocolLevel } from "./packets.ts";
import { type Refusal, refusal, refusalOf } from "./refusals.ts";
import { TopicCache } from "./topic-cache.ts";

export type StreamItem =
  | { readonly kind: "packet"; readonly packet: Packet }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "incomplete" };

const incomplete: StreamItem = { kind: "incomplete" };
const nothing = new Uint8Array();

/** Reading never waits, so one serves every stream. */
const header = new FixedHeader();

/**
 * Cuts a byte stream into packets. A WebSocket frame may hold several packets or a part of one
 * [MQTT-6.0.0-4], so chunk boundaries mean nothing.
 *
 * A packet that lies in one chunk is read where it is. Others gather in a buffer that doubles, so cost
 * is linear in the bytes and a packet sent in one-byte frames is no attack. Memory stays under two
 * packets and one chunk, because a length over the maximum is refused from the header alone. After a
 * refusal nothing more is read.
 */
export class PacketStream {
  private options: DecodeOptions;
  private readonly topics = new TopicCache();
  /**
   * What has come and is not read yet is `at`…`end` of these. Written by `push` and `next`. Invariants:
   * bytes below `end` never change, for packets that were read are views of them; those behind it are
   * our own and free to write, for a chunk that came has none.
   */
  private bytes: Uint8Array = nothing;
  private at = 0;
  private end = 0;
  private failure: StreamItem | null = null;

  /** @throws RangeError without a level on the server's side: only a CONNECT can tell one */
  constructor(options: DecodeOptions) {
    if (options.level === null && options.sender === "server")
      throw new RangeError("name the level: a server's packets don't tell it");
    this.options = options;
  }

  /** The protocol level: what was given, or what the first CONNECT said. */
  get level(): ProtocolLevel | null {
    return this.options.level;
  }

  /** Adds bytes as they came. They must not change afterwards. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.failure !== null) return;
    if (this.at < this.end) {
      this.append(chunk);
      return;
    }
    this.bytes = chunk;
    this.at = 0;
    this.end = chunk.length;
  }

  /** Bytes that wait for the rest of their packet. */
  get pendingBytes(): number {
    return this.end - this.at;
  }

  /** The waiting bytes themselves, for storage across an eviction: a copy. */
  pending(): Uint8Array {
    return new Uint8Array(this.bytes.subarray(this.at, this.end));
  }

  /** The next packet, or why there is none. */
  next(): StreamItem {
    if (this.failure !== null) return this.failure;
    const { at, end, bytes, options } = this;
    if (at === end) return incomplete;
    const state = readFixedHeader(bytes, at, end, options, header);
    if (state === "refused") return this.fail(refusal(header.refused, options.level));
    if (state === "incomplete") return this.wait();
    if (header.end > end) {
      const early = refuseEarly(bytes, end, header, options.level);
      return early === null ? this.wait() : this.fail(early);
    }
    let packet: Packet;
    try {
      packet = decodeBody(bytes, at, header, options.level, options.sender, this.topics);
    } catch (error) {
      return this.fail(refusalOf(error, options.level));
    }
    if (packet.type === "connect" && options.level === null) this.options = { ...options, level: packet.level };
    if (header.end === end) this.drop();
    else this.at = header.end;
    return { kind: "packet", packet };
  }

  /** Adds to bytes that wait already. What was read before is left behind in the old buffer. */
  private append(chunk: Uint8Array): void {
    const waiting = this.end - this.at;
    const needed = waiting + chunk.length;
    if (this.end + chunk.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * waiting));
      grown.set(this.bytes.subarray(this.at, this.end));
      this.bytes = grown;
      this.at = 0;
      this.end = waiting;
    }
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** A short rest does not keep a long chunk in memory until its packet is whole. */
  private wait(): StreamItem {
    if (2 * (this.end - this.at) < this.bytes.length) {
      this.bytes = this.pending();
      this.at = 0;
      this.end = this.bytes.length;
    }
    return incomplete;
  }

  private fail(why: Refusal): StreamItem {
    this.drop();
    this.failure = { kind: "refused", refusal: why };
    return this.failure;
  }

  private drop(): void {
    this.bytes = nothing;
    this.at = 0;
    this.end = 0;
  }
}
