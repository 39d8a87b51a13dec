/**
 * WebSocket framing (RFC 6455) with as little work as a load generator can get away with: frames are
 * built once and written many times, and what arrives is handed on where it lies.
 */

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const maskedBit = 0x80;
const maskingKeyBytes = 4;

/**
 * One final, masked frame. Its masking key is zero, which leaves the payload as it is: the key is the
 * client's choice, and what it protects, proxies on the way, is not there on a loopback.
 */
export function clientFrame(payload: Uint8Array, opcode: number = opcodes.binary): Buffer {
  return frameOf(payload, opcode, maskingKeyBytes);
}

/** One final frame as servers send it, unmasked. */
export function serverFrame(payload: Uint8Array): Buffer {
  return frameOf(payload, opcodes.binary, 0);
}

function frameOf(payload: Uint8Array, opcode: number, keyBytes: number): Buffer {
  const extended = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8;
  const frame = Buffer.alloc(2 + extended + keyBytes + payload.length);
  frame[0] = 0x80 | opcode;
  frame[1] = (keyBytes > 0 ? maskedBit : 0) | (extended === 0 ? payload.length : extended === 2 ? 126 : 127);
  if (extended === 2) frame.writeUInt16BE(payload.length, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(payload.length), 2);
  frame.set(payload, 2 + extended + keyBytes);
  return frame;
}

export interface FrameSink {
  /** A piece of a message's payload: `bytes[start, end)`, valid during the call only. */
  payload(bytes: Buffer, start: number, end: number): void;
  /** A whole control frame. */
  control(opcode: number, payload: Buffer): void;
}

/** Takes what the other side sends apart, cut anywhere. A masking key is passed over: here it is zero. */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #header = Buffer.alloc(2 + 8 + maskingKeyBytes);
  #headerBytes = 0;
  #headerWanted = 2;
  /** Bytes of the present frame's payload that have not come yet. */
  #remaining = 0;
  /** What has come of a control frame; null in a data frame. */
  #control: { readonly opcode: number; readonly parts: Buffer[] } | null = null;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  push(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#remaining === 0) {
        at = this.#takeHeader(bytes, at, end);
        continue;
      }
      const to = Math.min(end, at + this.#remaining);
      this.#remaining -= to - at;
      if (this.#control === null) this.#sink.payload(bytes, at, to);
      else this.#takeControl(Buffer.from(bytes.subarray(at, to)));
      at = to;
    }
  }

  #takeHeader(bytes: Buffer, start: number, end: number): number {
    const header = this.#header;
    let at = start;
    while (at < end && this.#headerBytes < this.#headerWanted) {
      header[this.#headerBytes++] = bytes[at++] as number;
      if (this.#headerBytes !== 2) continue;
      const second = header[1] as number;
      const extended = (second & 0x7f) === 127 ? 8 : (second & 0x7f) === 126 ? 2 : 0;
      this.#headerWanted = 2 + extended + ((second & maskedBit) === 0 ? 0 : maskingKeyBytes);
    }
    if (this.#headerBytes < this.#headerWanted) return at;
    const length = (header[1] as number) & 0x7f;
    this.#remaining =
      length < 126 ? length : length === 126 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2));
    this.#headerBytes = 0;
    this.#headerWanted = 2;
    const opcode = (header[0] as number) & 0x0f;
    this.#control = opcode >= opcodes.close ? { opcode, parts: [] } : null;
    if (this.#control !== null && this.#remaining === 0) this.#takeControl(Buffer.alloc(0));
    return at;
  }

  #takeControl(part: Buffer): void {
    const control = this.#control;
    if (control === null) return;
    control.parts.push(part);
    if (this.#remaining > 0) return;
    this.#control = null;
    this.#sink.control(control.opcode, Buffer.concat(control.parts));
  }
}
