/**
 * The bytes of a document, sealed: AES-256-GCM in chunks (crypto/chunks.ts) that lie as layout.ts says, under a key
 * of the document's own, which the organisation's data key wraps.
 *
 * A part may be uploaded again with other bytes, when a connection broke. So each time draws a salt, and the key of
 * its chunks is derived from it and from where it belongs: organisation, document, version, size of the version and
 * number of the part. No nonce comes twice under one key, and no part opens in another place, nor in an object that
 * is said to be longer or shorter.
 *
 * The salt stands in front of the part, not in a row beside it: two uploads of one part at once leave either's bytes
 * with its own salt, and R2 takes metadata for a whole object alone. It costs a range that begins within a part one
 * more read of 32 bytes.
 */
import { ByteQueue } from "../byte-queue.ts";
import { type ChunkKey, chunkTagBytes, deriveChunkKey, openChunk, sealChunk } from "../crypto/chunks.ts";
import { SealBroken } from "../crypto/data-key.ts";
import type { DocumentId, ExportId, OrgId } from "../ids.ts";
import { type ByteRange, chunkBytes, countChunks, partBytes, placesOf, plainPartLength, saltBytes } from "./layout.ts";

/** One version of one document, with what opens it. */
export interface SealedVersion<Of extends DocumentId | ExportId = DocumentId> {
  /** The document's, 32 random bytes. */
  readonly key: Uint8Array;
  readonly org: OrgId;
  /** What it is a version of; an export's parts are sealed as its versions. */
  readonly document: Of;
  /** Names the version within its document, for ever: no two have the same. */
  readonly version: string;
  /** Plain bytes, as they were announced before the first part came. */
  readonly size: number;
}

/** A part of fewer or more bytes than were announced. Nothing of it may be kept. */
export class PartRefused extends Error {
  override readonly name = "PartRefused";
  readonly code: "too_short" | "too_long";

  constructor(code: "too_short" | "too_long") {
    super(`the part is ${code.replace("_", " ")}`);
    this.code = code;
  }
}

/** JSON keeps the members apart: none can be cut elsewhere into the same bytes. */
function partKey(
  of: SealedVersion<DocumentId | ExportId>,
  part: number,
  salt: Uint8Array<ArrayBuffer>,
): Promise<ChunkKey> {
  const bound = JSON.stringify(["sentinel-document", "1", of.org, of.document, of.version, of.size, part]);
  return deriveChunkKey(of.key, salt, new TextEncoder().encode(bound) as Uint8Array<ArrayBuffer>);
}

/**
 * Seals one part; yields what lies in the object, `sealedPartLength(size, part)` bytes in all.
 * @param part from 1
 * @param salt 32 random bytes, drawn for this upload of the part and never used again
 * @param plain the part's bytes, in pieces of any size; they are kept, not copied
 * @throws PartRefused before its end, when there are fewer or more than the part has; RangeError
 */
export async function* sealPart(
  of: SealedVersion<DocumentId | ExportId>,
  part: number,
  salt: Uint8Array<ArrayBuffer>,
  plain: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (salt.length !== saltBytes) throw new RangeError("a part needs a salt of 32 bytes");
  const length = plainPartLength(of.size, part);
  const chunks = countChunks(length);
  const derived = await partKey(of, part, salt);
  const queue = new ByteQueue();
  let [arrived, counter] = [0, 0];
  yield salt;
  for await (const piece of plain) {
    arrived += piece.length;
    if (arrived > length) throw new PartRefused("too_long");
    queue.push(piece);
    while (queue.length >= chunkBytes && counter < chunks - 1) {
      yield await sealChunk(derived, { counter, isLast: false }, queue.take(chunkBytes));
      counter += 1;
    }
  }
  if (arrived < length) throw new PartRefused("too_short");
  yield await sealChunk(derived, { counter, isLast: true }, queue.take(queue.length));
}

/** What was fetched of an object. */
export interface SealedBytes {
  /** When `sealedRange` asks for it, else null. */
  readonly salt: Uint8Array | null;
  /** In pieces of any size. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Opens a range; yields exactly its plain bytes. What was yielded is authentic and stands where it says; whether all
 * of it came is only sure once this has ended without an error.
 * @param range as it was given to `sealedRange`
 * @throws SealBroken when the bytes are not what was sealed for this place, or fewer or more; RangeError
 */
export async function* openRange(
  of: SealedVersion<DocumentId | ExportId>,
  range: ByteRange,
  sealed: SealedBytes,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { first, last } = placesOf(of.size, range);
  if ((sealed.salt === null) !== (first.chunk === 0)) throw new RangeError("the salt is not where the range needs it");
  const source = new Pieces(sealed.body);
  try {
    for (let part = first.part; part <= last.part; part += 1) {
      const isFirst = part === first.part;
      const plainLength = plainPartLength(of.size, part);
      const salt = isFirst && sealed.salt !== null ? Uint8Array.from(sealed.salt) : await source.take(saltBytes);
      if (salt.length !== saltBytes) throw new SealBroken("the salt is cut off");
      const derived = await partKey(of, part, salt);
      const chunks = countChunks(plainLength);
      const end = part === last.part ? last.chunk + 1 : chunks;
      for (let counter = isFirst ? first.chunk : 0; counter < end; counter += 1) {
        const chunkLength = Math.min(chunkBytes, plainLength - counter * chunkBytes);
        const chunk = await source.take(chunkLength + chunkTagBytes);
        const plain = await openChunk(derived, { counter, isLast: counter === chunks - 1 }, chunk);
        if (plain === null) throw new SealBroken("a chunk of the document does not open");
        const offset = (part - 1) * partBytes + counter * chunkBytes;
        const wanted = plain.subarray(Math.max(0, range.offset - offset), range.offset + range.length - offset);
        if (wanted.length > 0) yield wanted;
      }
    }
    await source.end();
  } finally {
    await source.close();
  }
}

/** Pieces as they come, taken in lengths that are known. */
class Pieces {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #queue = new ByteQueue();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** @throws SealBroken when the source ends before */
  async take(count: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#queue.length < count) {
      const next = await this.#iterator.next();
      if (next.done === true) throw new SealBroken("the document is cut off");
      this.#queue.push(next.value);
    }
    return this.#queue.take(count);
  }

  /** @throws SealBroken when there is more */
  async end(): Promise<void> {
    while (this.#queue.length === 0) {
      const next = await this.#iterator.next();
      if (next.done === true) return;
      this.#queue.push(next.value);
    }
    throw new SealBroken("there is more than was asked for");
  }

  /** Whoever stops early lets the source go. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
