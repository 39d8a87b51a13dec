/**
 * The records of a zip file (APPNOTE.TXT 6.3.10) that is written from its beginning to its end and never gone back in:
 * entries are stored as they are, their sum and size follow them, and the directory says it all again. Libraries write
 * whole archives in one go; these are the pieces, so that an archive can be gone on with by another process.
 */

/** An entry whose bytes are written. */
export interface ZipEntryWritten {
  /** As `archiveName` made it. */
  readonly name: string;
  readonly crc32: number;
  readonly sizeBytes: number;
  /** Of its local header, from the archive's beginning. */
  readonly offset: number;
}

/** What 32 bits hold; a larger offset stands in a field of its own. */
const max32 = 0xffff_ffff;
/** Entries beyond this are counted in a record of their own. */
const max16 = 0xffff;
/** Sizes stand in 32 bits here: a document has at most 1 GiB. */
export const zipEntryBytesMax = max32 - 1;

/** Version 2.0; 4.5 where Zip64 is used. Made by the same, on no system in particular: there are no rights to keep. */
const versionPlain = 20;
const version64 = 45;
/** Sizes follow the bytes; names are UTF-8. */
const flags = (1 << 3) | (1 << 11);
/** 1 January 1980, midnight: what the format has for "never". Times stand in the list of documents. */
const [dosTime, dosDate] = [0, 0x21];
const encoder = new TextEncoder();

/** Fields of 2, 4 and 8 bytes, the lowest byte first. */
function fields(...given: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(given.reduce((sum, [bytes]) => sum + bytes, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [bytes, value] of given) {
    if (!Number.isSafeInteger(value) || value < 0 || (bytes < 8 && value >= 2 ** (8 * bytes)))
      throw new RangeError("a number does not fit its field");
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return out;
}

function joined(...pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** What stands in front of an entry's bytes (4.3.7). */
export function localHeader(name: string): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(name);
  return joined(
    fields([4, 0x04034b50], [2, versionPlain], [2, flags], [2, 0], [2, dosTime], [2, dosDate]),
    fields([4, 0], [4, 0], [4, 0], [2, bytes.length], [2, 0]),
    bytes,
  );
}

/** What stands behind them (4.3.9). */
export const dataDescriptor = (crc: number, sizeBytes: number): Uint8Array<ArrayBuffer> =>
  fields([4, 0x08074b50], [4, crc], [4, sizeBytes], [4, sizeBytes]);

/** An entry's place in the directory (4.3.12). */
export function directoryEntry({ name, crc32, sizeBytes, offset }: ZipEntryWritten): Uint8Array<ArrayBuffer> {
  const bytes = encoder.encode(name);
  const is64 = offset >= max32;
  // 4.5.3: only what did not fit.
  const extra = is64 ? fields([2, 1], [2, 8], [8, offset]) : new Uint8Array();
  const version = is64 ? version64 : versionPlain;
  return joined(
    fields([4, 0x02014b50], [2, version], [2, version], [2, flags], [2, 0], [2, dosTime], [2, dosDate]),
    fields([4, crc32], [4, sizeBytes], [4, sizeBytes], [2, bytes.length], [2, extra.length], [2, 0], [2, 0], [2, 0]),
    fields([4, 0], [4, is64 ? max32 : offset]),
    bytes,
    extra,
  );
}

/** The archive's end (4.3.14 to 4.3.16). @param offset of the directory, which has `length` bytes */
export function endOfArchive(entries: number, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const is64 = entries >= max16 || offset >= max32 || length >= max32;
  const [count, at, size] = is64 ? [max16, max32, max32] : [entries, offset, length];
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, at], [2, 0]);
  if (!is64) return end;
  return joined(
    fields([4, 0x06064b50], [8, 44], [2, version64], [2, version64], [4, 0], [4, 0]),
    fields([8, entries], [8, entries], [8, length], [8, offset]),
    fields([4, 0x07064b50], [4, 0], [8, offset + length], [4, 1]),
    end,
  );
}
