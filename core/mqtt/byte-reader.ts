import { FieldRefused, type RefusalKind } from "./refusals.ts";
import { decodeName, decodeText } from "./utf8.ts";

const nothing = new Uint8Array();

/**
 * Reads fields front to back out of a window of received bytes; every read is bounds-checked, and what
 * runs over is refused. One is used for all packets, so that reading allocates nothing but its results.
 */
export class ByteReader {
  /** The window is `at`…`end` of these. Written by `reset`, `enter` and `leave`; `at` by every read too. */
  bytes: Uint8Array = nothing;
  at = 0;
  end = 0;
  private overrun: RefusalKind = "field_truncated";

  reset(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.overrun = "field_truncated";
  }

  get remaining(): number {
    return this.end - this.at;
  }

  byte(): number {
    if (this.at >= this.end) throw new FieldRefused(this.overrun);
    return this.bytes[this.at++] as number;
  }

  uint16(): number {
    const at = this.need(2);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  uint32(): number {
    const high = this.uint16();
    return high * 0x1_0000 + this.uint16();
  }

  /** At most four bytes, and no more than the value needs [MQTT-1.5.5-1]. */
  variableByteInteger(): number {
    let value = 0;
    for (let index = 0; index < 4; index += 1) {
      const byte = this.byte();
      value |= (byte & 0x7f) << (7 * index);
      if (byte > 0x7f) continue;
      if (byte === 0 && index > 0) throw new FieldRefused("variable_byte_integer_overlong");
      return value;
    }
    throw new FieldRefused("variable_byte_integer_malformed");
  }

  /** Two bytes of length and that many bytes: a view, not a copy. */
  binary(): Uint8Array {
    const length = this.uint16();
    return this.view(this.need(length), length);
  }

  /** A UTF-8 string behind its two bytes of length. */
  text(): string {
    const length = this.uint16();
    const at = this.need(length);
    return decodeText(this.bytes, at, at + length);
  }

  /** A topic name, a topic filter or a client id. */
  name(): string {
    const length = this.uint16();
    const at = this.need(length);
    return decodeName(this.bytes, at, at + length);
  }

  packetId(whenZero: RefusalKind = "packet_id_zero"): number {
    const id = this.uint16();
    if (id === 0) throw new FieldRefused(whenZero);
    return id;
  }

  rest(): Uint8Array {
    const length = this.remaining;
    return this.view(this.need(length), length);
  }

  /** What is left behind the last field is no part of the packet. */
  finish(): void {
    if (this.at < this.end) throw new FieldRefused("trailing_bytes");
  }

  /** Narrows the window to the next bytes, as a property block; `leave` takes what this returns. */
  enter(length: number): number {
    if (length > this.remaining) throw new FieldRefused("property_overrun");
    const outer = this.end;
    this.end = this.at + length;
    this.overrun = "property_overrun";
    return outer;
  }

  leave(outer: number): void {
    this.end = outer;
    this.overrun = "field_truncated";
  }

  /** Steps over bytes that must be there, and says where they begin. */
  private need(length: number): number {
    const at = this.at;
    if (length > this.end - at) throw new FieldRefused(this.overrun);
    this.at = at + length;
    return at;
  }

  private view(at: number, length: number): Uint8Array {
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + at, length);
  }
}
