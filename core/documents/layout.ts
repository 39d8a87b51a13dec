/**
 * How a version of a document lies in its object: parts of equal size but the last, each sealed by itself, in chunks.
 *
 *   object   part 1 ‖ part 2 ‖ …
 *   part     salt (32 bytes) ‖ chunks, each of its plain bytes and a tag
 *
 * Where everything lies follows from the plain size alone; the size is bound into every part's key (sealed-part.ts),
 * so an object that was cut at the end of a part, and a row that says it was never longer, don't open.
 */
import { chunkTagBytes } from "../crypto/chunks.ts";

/** Largest version of a document: 128 parts, far below the 10,000 that R2 takes. */
export const documentBytesMax = 1024 ** 3;

/**
 * Plain bytes of each part but the last. R2 takes parts of equal size of at least 5 MiB; a lost connection costs one
 * of these, and a Worker that has a few in its hands at once stays far below its 128 MB.
 */
export const partBytes = 8 * 1024 ** 2;

/**
 * Plain bytes of each chunk but a part's last: what has to be opened to read one byte. The tags add 0.02 %, and a
 * smaller one would cost more in calls than in bytes.
 */
export const chunkBytes = 64 * 1024;

/** Of the random salt in front of each part: with 256 bits none comes twice, so neither does a key. */
export const saltBytes = 32;

/** Consecutive bytes, in the form that R2 takes. */
export interface ByteRange {
  /** From 0. */
  readonly offset: number;
  readonly length: number;
}

/**
 * How many parts a version has; an empty one has one.
 * @param size plain bytes, 0 … {@link documentBytesMax}
 * @throws RangeError
 */
export function countParts(size: number): number {
  if (!Number.isSafeInteger(size) || size < 0 || size > documentBytesMax) {
    throw new RangeError("a document has 0 to documentBytesMax bytes");
  }
  return Math.max(1, Math.ceil(size / partBytes));
}

/**
 * Plain bytes of one part.
 * @param part from 1
 * @throws RangeError when there is no such part
 */
export function plainPartLength(size: number, part: number): number {
  if (!Number.isSafeInteger(part) || part < 1 || part > countParts(size)) throw new RangeError("there is no such part");
  return Math.min(partBytes, size - (part - 1) * partBytes);
}

/** Chunks of a part of so many plain bytes; an empty one has one, for it has an end as well. */
export const countChunks = (plainLength: number): number => Math.max(1, Math.ceil(plainLength / chunkBytes));

const sealedLengthOf = (plainLength: number): number =>
  saltBytes + plainLength + countChunks(plainLength) * chunkTagBytes;

/** Bytes of one part as it lies in the object. @throws RangeError when there is no such part */
export const sealedPartLength = (size: number, part: number): number => sealedLengthOf(plainPartLength(size, part));

/** Bytes of the whole object. */
export function sealedLength(size: number): number {
  const parts = countParts(size);
  return (parts - 1) * sealedLengthOf(partBytes) + sealedPartLength(size, parts);
}

/** What is to be fetched of an object to read a range of what it holds. */
export interface SealedRange {
  /** The first part's salt; null when `body` begins with it. */
  readonly salt: ByteRange | null;
  /** Whole chunks, with the salts of the parts that begin within. */
  readonly body: ByteRange;
}

/**
 * Where a range of plain bytes lies in the object.
 * @param size plain bytes of the whole version
 * @param range 1 byte or more of it; of an empty version, its 0 bytes from 0
 * @throws RangeError when the range is empty or not within the version
 */
export function sealedRange(size: number, range: ByteRange): SealedRange {
  const { first, last } = placesOf(size, range);
  const partOffset = (first.part - 1) * sealedLengthOf(partBytes);
  const start = first.chunk === 0 ? partOffset : partOffset + chunkOffset(first.chunk);
  const lastPlain = plainPartLength(size, last.part);
  const lastChunkEnd =
    last.chunk === countChunks(lastPlain) - 1 ? sealedLengthOf(lastPlain) : chunkOffset(last.chunk + 1);
  const end = (last.part - 1) * sealedLengthOf(partBytes) + lastChunkEnd;
  return {
    salt: first.chunk === 0 ? null : { offset: partOffset, length: saltBytes },
    body: { offset: start, length: end - start },
  };
}

/** Offset of a chunk in its part, salt and all. */
const chunkOffset = (chunk: number): number => saltBytes + chunk * (chunkBytes + chunkTagBytes);

/** A chunk of a version. */
export interface ChunkOfPart {
  /** From 1. */
  readonly part: number;
  /** Within the part, from 0. */
  readonly chunk: number;
}

/** The chunks that hold the first and the last byte of a range. @throws RangeError as {@link sealedRange} */
export function placesOf(size: number, { offset, length }: ByteRange): { first: ChunkOfPart; last: ChunkOfPart } {
  const isWithin = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 1;
  const isEmptyWhole = size === 0 && offset === 0 && length === 0;
  if (!isEmptyWhole && !(isWithin && countParts(size) > 0 && offset + length <= size)) {
    throw new RangeError("the range is not one of the document");
  }
  return { first: placeOf(offset), last: placeOf(Math.max(offset, offset + length - 1)) };
}

const placeOf = (at: number): ChunkOfPart => ({
  part: Math.floor(at / partBytes) + 1,
  chunk: Math.floor((at % partBytes) / chunkBytes),
});
