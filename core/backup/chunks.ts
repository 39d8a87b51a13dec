/**
 * The sealed part of a backup: what gzip made, cut into pieces of 1 MiB, each sealed at its place (crypto/chunks.ts)
 * under the backup's key, the salt of the header, and the info "sentinel-backup" ‖ SHA-256 of preamble and header.
 *
 * So no chunk opens in another place, in another file or behind another header; and without its last chunk, or with
 * anything behind it, a file does not end.
 */
import { ByteQueue } from "../byte-queue.ts";
import { type ChunkKey, chunkTagBytes, deriveChunkKey, openChunk, sealChunk } from "../crypto/chunks.ts";
import { BackupRefused } from "./refused.ts";

/** Of each chunk but the last, which holds 0 … as many. Memory of a reader, and 0.002 % of tags. */
export const chunkBytes = 1024 * 1024;

export interface Sealing {
  /** 32 bytes. */
  readonly backupKey: Uint8Array;
  /** Of the header, 32 bytes. */
  readonly salt: Uint8Array<ArrayBuffer>;
  /** Preamble and header, as they stand in the file. */
  readonly preface: Uint8Array;
}

async function chunkKey({ backupKey, salt, preface }: Sealing): Promise<ChunkKey> {
  const purpose = new TextEncoder().encode("sentinel-backup");
  const info = new Uint8Array(purpose.length + 32);
  info.set(purpose);
  // Hashed, for some implementations bound `info`.
  info.set(new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(preface))), purpose.length);
  return deriveChunkKey(backupKey, salt, info);
}

/** Seals bytes of any pieces; yields the chunks. */
export async function* sealChunks(
  sealing: Sealing,
  plain: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const derived = await chunkKey(sealing);
  const queue = new ByteQueue();
  let counter = 0;
  const seal = async (isLast: boolean): Promise<Uint8Array<ArrayBuffer>> => {
    const chunk = queue.take(Math.min(chunkBytes, queue.length));
    const sealed = await sealChunk(derived, { counter, isLast }, chunk);
    counter += 1;
    return sealed;
  };
  for await (const piece of plain) {
    queue.push(piece);
    // Only with more behind it is it known not to be the last.
    while (queue.length > chunkBytes) yield await seal(false);
  }
  yield await seal(true);
}

/**
 * Opens chunks; yields what they hold. What was yielded is authentic as far as it goes, and the whole is only once
 * this has ended without an error.
 * @throws BackupRefused `not_authentic`
 */
export async function* openChunks(
  sealing: Sealing,
  sealed: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const derived = await chunkKey(sealing);
  const queue = new ByteQueue();
  let counter = 0;
  const open = async (isLast: boolean): Promise<Uint8Array<ArrayBuffer>> => {
    const chunk = queue.take(Math.min(chunkBytes + chunkTagBytes, queue.length));
    const plain = await openChunk(derived, { counter, isLast }, chunk);
    if (plain === null) {
      throw new BackupRefused(
        "not_authentic",
        `chunk ${counter + 1} does not open: another key, or the file is not what was written`,
      );
    }
    counter += 1;
    return plain;
  };
  for await (const piece of sealed) {
    queue.push(piece);
    while (queue.length > chunkBytes + chunkTagBytes) yield await open(false);
  }
  yield await open(true);
}
