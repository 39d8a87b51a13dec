/** A TCP relay that counts the WebSocket frames of one connection, both ways, and changes nothing. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { opcodes } from "./broker/frames.ts";

/** Frames by what they cost the far end: data wakes a hibernating object, a ping doesn't. */
export interface FrameCounts {
  readonly data: number;
  readonly pings: number;
  readonly pongs: number;
}

export interface CountingRelay {
  readonly port: number;
  /** Since the start. */
  counts(): { readonly fromClient: FrameCounts; readonly fromServer: FrameCounts };
  stop(): Promise<void>;
}

/** @param target where it relays to, on this machine */
export async function startCountingRelay(target: {
  readonly host: string;
  readonly port: number;
}): Promise<CountingRelay> {
  const fromClient = new FrameCounter();
  const fromServer = new FrameCounter();
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    for (const [from, to, counter] of [
      [client, upstream, fromClient],
      [upstream, client, fromServer],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk: Buffer) => counter.push(chunk));
      from.on("error", () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    counts: () => ({ fromClient: fromClient.counts(), fromServer: fromServer.counts() }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const endOfHead = Buffer.from("\r\n\r\n");

/** One direction: an HTTP head, then frames (RFC 6455 section 5.2), cut anywhere. */
export class FrameCounter {
  /** What has come and is no whole head or frame yet. */
  #pending = Buffer.alloc(0);
  #upgraded = false;
  readonly #byOpcode = new Map<number, number>();

  push(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    if (!this.#upgraded) {
      const end = this.#pending.indexOf(endOfHead);
      if (end === -1) return;
      this.#upgraded = true;
      this.#pending = this.#pending.subarray(end + endOfHead.length);
    }
    for (let bytes = wholeFrameBytes(this.#pending); bytes !== null; bytes = wholeFrameBytes(this.#pending)) {
      const opcode = (this.#pending[0] ?? 0) & 0x0f;
      this.#byOpcode.set(opcode, (this.#byOpcode.get(opcode) ?? 0) + 1);
      this.#pending = this.#pending.subarray(bytes);
    }
  }

  counts(): FrameCounts {
    const of = (opcode: number): number => this.#byOpcode.get(opcode) ?? 0;
    return {
      data: of(opcodes.binary) + of(opcodes.text) + of(opcodes.continuation),
      pings: of(opcodes.ping),
      pongs: of(opcodes.pong),
    };
  }
}

/** @returns the length of the frame at the beginning, or null while it is not whole */
function wholeFrameBytes(bytes: Buffer): number | null {
  const second = bytes[1];
  if (second === undefined) return null;
  const short = second & 0x7f;
  const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
  if (bytes.length < 2 + extended) return null;
  const payload = extended === 8 ? Number(bytes.readBigUInt64BE(2)) : extended === 2 ? bytes.readUInt16BE(2) : short;
  const whole = 2 + extended + ((second & 0x80) === 0 ? 0 : 4) + payload;
  return bytes.length < whole ? null : whole;
}
