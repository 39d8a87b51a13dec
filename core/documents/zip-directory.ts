/** The directory at the end of a zip file (APPNOTE.TXT 6.3.10, sections 4.3.12 and 4.3.16), which office files are. */
import type { ByteRange } from "./layout.ts";

export interface ZipEntry {
  /** UTF-8, or what comes nearest; with `/` between folders. */
  readonly name: string;
  /** 0: as it is, 8: deflate; others are not read here. */
  readonly method: number;
  readonly isEncrypted: boolean;
  /** Bytes as it lies there. */
  readonly packedBytes: number;
  /** From where in the file to look for its local header and what follows it. */
  readonly place: ByteRange;
}

/** `unreadable`: it ends like a zip file, and what is in it can't be told. */
export type ZipDirectory = readonly ZipEntry[] | "unreadable";

/** How much of a file's end is to be given: a directory of some ten thousand entries and the longest comment. */
export const zipTailBytes = 1024 * 1024;
/** Office files have some hundreds. */
const entriesMax = 20_000;
const endBytes = 22;
const commentBytesMax = 0xffff;
const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const entryHeadBytes = 46;

/**
 * Finds the directory.
 * @param tail the last {@link zipTailBytes} of a file, or all of it
 * @param size bytes of the whole file
 * @returns null when the file doesn't end as a zip file does
 */
export function readZipDirectory(tail: Uint8Array, size: number): ZipDirectory | null {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.length);
  const end = findEnd(view);
  if (end === null) return null;
  const count = view.getUint16(end + 10, true);
  const length = view.getUint32(end + 12, true);
  const offset = view.getUint32(end + 16, true);
  const start = end - length;
  // Zip64, several volumes, something in front of the archive, or a directory that is longer than its place.
  const isPlain = view.getUint32(end + 4, true) === 0 && view.getUint16(end + 8, true) === count && count <= entriesMax;
  if (!isPlain || start < 0 || size - tail.length + start !== offset) return "unreadable";
  return readEntries(view, start, end, { count, offset });
}

/** From the last place at which it could stand; its comment must end where the file does. */
function findEnd(view: DataView): number | null {
  const last = view.byteLength - endBytes;
  for (let at = last; at >= Math.max(0, last - commentBytesMax); at -= 1) {
    if (view.getUint32(at, true) === endSignature && view.getUint16(at + 20, true) === last - at) return at;
  }
  return null;
}

function readEntries(
  view: DataView,
  start: number,
  end: number,
  { count, offset: directoryOffset }: { readonly count: number; readonly offset: number },
): ZipDirectory {
  const read: { readonly name: string; readonly method: number; readonly flags: number; packed: number; at: number }[] =
    [];
  let at = start;
  for (let index = 0; index < count; index += 1) {
    if (at + entryHeadBytes > end || view.getUint32(at, true) !== entrySignature) return "unreadable";
    const nameLength = view.getUint16(at + 28, true);
    const next = at + entryHeadBytes + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) return "unreadable";
    const name = new Uint8Array(view.buffer, view.byteOffset + at + entryHeadBytes, nameLength);
    read.push({
      // Some programs of old write the other slash; office programs take either.
      name: new TextDecoder().decode(name).replaceAll("\\", "/"),
      method: view.getUint16(at + 10, true),
      flags: view.getUint16(at + 8, true),
      packed: view.getUint32(at + 20, true),
      at: view.getUint32(at + 42, true),
    });
    at = next;
  }
  // Each ends where the next begins; the last, where the directory does.
  const starts = [...read.map((entry) => entry.at), directoryOffset].sort((one, other) => one - other);
  const endOf = new Map(starts.map((from, index) => [from, starts[index + 1] ?? from]));
  const isWithin = read.every((entry) => entry.at + entry.packed <= directoryOffset);
  if (at !== end || !isWithin || new Set(read.map((entry) => entry.at)).size !== count) return "unreadable";
  return read.map(({ name, method, flags, packed, at: from }) => ({
    name,
    method,
    isEncrypted: (flags & 1) === 1,
    packedBytes: packed,
    place: { offset: from, length: (endOf.get(from) ?? from) - from },
  }));
}

const localSignature = 0x04034b50;
const localHeadBytes = 30;

/**
 * What an entry holds, as it lies there.
 * @param bytes of the entry's place
 * @returns null when no local header stands there, or it holds less than the directory says
 */
export function packedBytesOf(entry: ZipEntry, bytes: Uint8Array): Uint8Array | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < localHeadBytes || view.getUint32(0, true) !== localSignature) return null;
  const start = localHeadBytes + view.getUint16(26, true) + view.getUint16(28, true);
  return start + entry.packedBytes <= bytes.length ? bytes.subarray(start, start + entry.packedBytes) : null;
}
