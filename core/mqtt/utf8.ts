import { FieldRefused } from "./refusals.ts";

/** U+FEFF is kept, never taken for a byte order mark [MQTT-1.5.3-3]; ill-formed input throws [MQTT-1.5.3-1]. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Decodes the UTF-8 string that lies between two offsets (3.1.1 section 1.5.3, 5.0 section 1.5.4).
 * @throws FieldRefused on ill-formed bytes, surrogates and overlong forms among them, and on U+0000
 */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  for (let at = start; at < end; at += 1) if (bytes[at] === 0) throw new FieldRefused("utf8_null");
  return decodeWellFormed(bytes, start, end);
}

function decodeWellFormed(bytes: Uint8Array, start: number, end: number): string {
  try {
    return decoder.decode(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start));
  } catch {
    throw new FieldRefused("utf8_malformed");
  }
}

/** What a server may refuse in any string (3.1.1 section 1.5.3, 5.0 section 1.5.4), but U+0000, which it must. */
const controlOrNonCharacter = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;

/**
 * The same for topic names, topic filters and client ids: nobody means a line break there, and what is
 * looked up, compared and logged had better be visible. Other strings have honest ones.
 * @throws FieldRefused as `decodeText`, and on control characters and non-characters
 */
export function decodeName(bytes: Uint8Array, start: number, end: number): string {
  let isAscii = true;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte < 0x20 || byte === 0x7f) throw new FieldRefused(byte === 0 ? "utf8_null" : "text_control");
    if (byte > 0x7f) isAscii = false;
  }
  const text = decodeWellFormed(bytes, start, end);
  if (!isAscii && controlOrNonCharacter.test(text)) throw new FieldRefused("text_control");
  return text;
}

/**
 * Bytes that a string takes in UTF-8, without its length field.
 * @throws RangeError when it is no MQTT string: U+0000, a lone surrogate, over 65,535 bytes
 */
export function textBytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0) throw new RangeError("an MQTT string has no U+0000 [MQTT-1.5.4-2]");
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const low = text.charCodeAt(at + 1);
    if (unit > 0xdbff || !(low >= 0xdc00 && low <= 0xdfff))
      throw new RangeError("an MQTT string has no lone surrogate [MQTT-1.5.4-1]");
    // Four bytes for two units: two are counted, two were added.
    at += 1;
  }
  if (bytes > 0xffff) throw new RangeError("an MQTT string takes at most 65,535 bytes (section 1.5.4)");
  return bytes;
}

/** Writes a string that `textBytes` has measured; the offset behind it. */
export function writeText(text: string, into: Uint8Array, at: number): number {
  return at + encoder.encodeInto(text, into.subarray(at)).written;
}

/** A string behind its two bytes of length, as it stands in a packet. */
export function encodeField(text: string): Uint8Array {
  const length = textBytes(text);
  const field = new Uint8Array(2 + length);
  field[0] = length >> 8;
  field[1] = length & 0xff;
  writeText(text, field, 2);
  return field;
}
