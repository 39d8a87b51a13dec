import { encodePacket } from "../../core/mqtt/encode.ts";
import type { Packet, ProtocolLevel } from "../../core/mqtt/packets.ts";
import type { Batch } from "./batch.ts";
import type { Close } from "./broker/events.ts";
import type { Socket } from "./broker/session.ts";
import type { LiveSocket } from "./live-socket.ts";

/** Largest WebSocket frame of several packets: one `send` costs as much as some thousand bytes in it. */
const frameBytesMax = 64 * 1024;

/** A crowd is two arrays, by level (broker/crowd.ts); a few crowds at once are as many as there is a use for. */
const burstsMax = 4;

/** A crowd, and the packets that its members are still to be given one by one. */
interface Burst {
  readonly sockets: readonly Socket[];
  readonly members: readonly LiveSocket[];
  readonly packets: Packet[];
}

/**
 * What is to leave, held back until what it acknowledges is stored. One frame carries everything that a
 * socket is sent at once: a `send` to an idle socket costs more than anything else that happens to a message.
 */
export class Outgoing {
  private roots: readonly [legacy: Batch, modern: Batch] = newRoots();
  private waiting: LiveSocket[] = [];
  private closing: { readonly live: LiveSocket; readonly close: Close }[] = [];
  private packets = 0;
  /** One for each crowd; no socket is in two. */
  private bursts: Burst[] = [];

  /** True when nothing is to be sent or closed. */
  get isEmpty(): boolean {
    return this.packets === 0 && this.closing.length === 0;
  }

  /** How many sockets have something waiting. */
  get sockets(): number {
    return this.waiting.length;
  }

  /** How many packets wait. */
  get size(): number {
    return this.packets;
  }

  /** Adds a packet behind what the socket has waiting. */
  send(live: LiveSocket, level: ProtocolLevel, packet: Packet): void {
    if (live.inBurst) this.endBursts();
    let before = live.batch;
    if (before === null) {
      before = this.roots[level === 5 ? 1 : 0];
      this.waiting.push(live);
    }
    live.batch = linkAfter(before, packet);
    this.packets += 1;
  }

  /**
   * `send` to each of a crowd. While the same arrays come again, their members are left alone: what they are given
   * is laid out once, when the burst ends.
   * @param liveOf null for a socket that is gone
   */
  sendAll(sockets: readonly Socket[], packet: Packet, liveOf: (socket: Socket) => LiveSocket | undefined): void {
    for (const burst of this.bursts) {
      if (burst.sockets !== sockets) continue;
      burst.packets.push(packet);
      this.packets += burst.members.length;
      return;
    }
    if (this.bursts.length >= burstsMax) this.endBursts();
    const members: LiveSocket[] = [];
    for (const socket of sockets) {
      const live = liveOf(socket);
      if (live === undefined) continue;
      this.send(live, socket.level, packet);
      live.inBurst = true;
      members.push(live);
    }
    this.bursts.push({ sockets, members, packets: [] });
  }

  private endBursts(): void {
    if (this.bursts.length === 0) return;
    const { bursts } = this;
    this.bursts = [];
    for (const burst of bursts) layOut(burst);
  }

  /** Closes the socket once everything before has left. */
  close(live: LiveSocket, close: Close): void {
    this.closing.push({ live, close });
  }

  /** Sends and closes; a peer that is gone is not an error: its close event follows and tells the broker. */
  flush(closeSocket: (live: LiveSocket, close: Close) => void): void {
    this.endBursts();
    const { waiting, closing } = this;
    this.waiting = [];
    this.closing = [];
    this.packets = 0;
    this.roots = newRoots();
    for (const live of waiting) {
      const { batch } = live;
      live.batch = null;
      if (batch === null) continue;
      batch.frames ??= framesOf(batch);
      try {
        for (const frame of batch.frames) live.socket.send(frame);
      } catch {
        // Gone.
      }
    }
    for (const { live, close } of closing) closeSocket(live, close);
  }
}

/** Members whose chains are the same before are the same after: one walk serves them all. */
function layOut({ members, packets }: Burst): void {
  let before: Batch | null = null;
  let after: Batch | null = null;
  for (const live of members) {
    live.inBurst = false;
    if (live.batch === null) continue;
    if (live.batch !== before || after === null) {
      before = live.batch;
      after = before;
      for (const packet of packets) after = linkAfter(after, packet);
    }
    live.batch = after;
  }
}

/** The chain with one more packet; whoever was given the same before has made the link already. */
function linkAfter(before: Batch, packet: Packet): Batch {
  if (before.next !== null && before.next.packet === packet) return before.next;
  const link: Batch = { before, packet, modern: before.modern, next: null, frames: null };
  before.next = link;
  return link;
}

function newRoots(): [Batch, Batch] {
  const root = (modern: boolean): Batch => ({ before: null, packet: null, modern, next: null, frames: null });
  return [root(false), root(true)];
}

/** The chain's packets in order, in as few frames as hold them. */
function framesOf(last: Batch): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const level = last.modern ? 5 : 4;
  for (let link: Batch = last; link.packet !== null && link.before !== null; link = link.before)
    parts.push(encoded(link.packet, level));
  parts.reverse();
  const frames: Uint8Array[] = [];
  let from = 0;
  let bytes = 0;
  for (let to = 0; to < parts.length; to += 1) {
    const length = parts[to]?.length ?? 0;
    if (bytes > 0 && bytes + length > frameBytesMax) {
      frames.push(joined(parts, from, to, bytes));
      from = to;
      bytes = 0;
    }
    bytes += length;
  }
  frames.push(joined(parts, from, parts.length, bytes));
  return frames;
}

function joined(parts: readonly Uint8Array[], from: number, to: number, bytes: number): Uint8Array {
  const [only] = to - from === 1 ? [parts[from]] : [];
  if (only !== undefined) return only;
  const frame = new Uint8Array(bytes);
  let at = 0;
  for (let index = from; index < to; index += 1) {
    const part = parts[index];
    if (part === undefined) continue;
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** 3.1 and 3.1.1 differ in CONNECT, which we never send, and in Session Present, which the broker leaves out. */
function encoded(packet: Packet, level: 4 | 5): Uint8Array {
  if (packet.type !== "publish") return encodePacket(packet, level);
  const { wire } = packet;
  if (wire !== null && (wire.level === 5) === (level === 5)) return wire.bytes;
  const bytes = encodePacket(packet, level);
  packet.wire = { level, bytes };
  return bytes;
}
