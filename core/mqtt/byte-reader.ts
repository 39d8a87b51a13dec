import type { RefusalKind } from "./refusals.ts";

/** U+FEFF is kept, never taken for a byte order mark [MQTT-1.5.3-3]; ill-formed input throws [MQTT-1.5.3-1]. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Carries a refusal out of the nested field readers; `decodePacket` catches it and returns it as a
 * value, so it never leaves the codec.
 */
export class FieldRefused extends Error {
  readonly kind: RefusalKind;
  readonly level: number | undefined;
  constructor(kind: RefusalKind, level?: number) {
    super(kind);
    this.kind = kind;
    this.level = level;
  }
}

/** Reads one packet's body front to back; every read is bounds-checked. */
export class ByteReader {
  private readonly bytes: Uint8Array;
  private position = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  byte(): number {
    const value = this.bytes[this.position];
    if (value === undefined) throw new FieldRefused("field_truncated");
    this.position += 1;
    return value;
  }

  uint16(): number {
    return (this.byte() << 8) | this.byte();
  }

  /** A view of the next bytes, not a copy. */
  take(length: number): Uint8Array {
    if (length > this.remaining) throw new FieldRefused("field_truncated");
    const view = this.bytes.subarray(this.position, this.position + length);
    this.position += length;
    return view;
  }

  /** Two bytes of length and that many bytes. */
  binary(): Uint8Array {
    return this.take(this.uint16());
  }

  /** A UTF-8 string (section 1.5.3). */
  text(): string {
    const bytes = this.binary();
    if (bytes.includes(0)) throw new FieldRefused("utf8_null");
    try {
      return utf8.decode(bytes);
    } catch {
      throw new FieldRefused("utf8_malformed");
    }
  }

  packetId(): number {
    const id = this.uint16();
    if (id === 0) throw new FieldRefused("packet_id_zero");
    return id;
  }

  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  end(): void {
    if (this.remaining > 0) throw new FieldRefused("trailing_bytes");
  }
}
