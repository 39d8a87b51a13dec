/** CRC-32 as zip files have it (APPNOTE.TXT 6.3.10, section 4.4.7), eight bytes at a time. */

const polynomial = 0xedb88320;

/** `tables[k][b]`: what a byte does that k bytes follow. */
const tables: readonly Uint32Array[] = (() => {
  const made = Array.from({ length: 8 }, () => new Uint32Array(256));
  const [first = new Uint32Array(256)] = made;
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? polynomial : 0);
    first[byte] = value;
  }
  for (let place = 1; place < 8; place += 1) {
    const [before, here] = [made[place - 1], made[place]];
    if (before === undefined || here === undefined) continue;
    for (let byte = 0; byte < 256; byte += 1) {
      const value = before[byte] ?? 0;
      here[byte] = (value >>> 8) ^ (first[value & 0xff] ?? 0);
    }
  }
  return made;
})();
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];

/**
 * Goes on with a sum.
 * @param sum of what came before; 0 at the beginning
 * @returns 32 bits without a sign
 */
export function crc32(sum: number, bytes: Uint8Array): number {
  let crc = ~sum;
  let at = 0;
  // A table's element is there for each byte, so none of these is ever undefined.
  for (const end = bytes.length - 7; at < end; at += 8) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    crc =
      (t7[crc & 0xff] as number) ^
      (t6[(crc >>> 8) & 0xff] as number) ^
      (t5[(crc >>> 16) & 0xff] as number) ^
      (t4[crc >>> 24] as number) ^
      (t3[bytes[at + 4] as number] as number) ^
      (t2[bytes[at + 5] as number] as number) ^
      (t1[bytes[at + 6] as number] as number) ^
      (t0[bytes[at + 7] as number] as number);
  }
  for (; at < bytes.length; at += 1) crc = (crc >>> 8) ^ (t0[(crc ^ (bytes[at] as number)) & 0xff] as number);
  return ~crc >>> 0;
}
