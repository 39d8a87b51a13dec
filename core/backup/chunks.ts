/**
 * The sealed part of a backup: what gzip made, cut into pieces of 1 MiB, each under AES-256-GCM. STREAM (Hoang,
 * Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015) in
 * the shape of Tink's AES-GCM-HKDF streaming: the nonce says the place of a chunk and whether it is the last.
 *
 *   key     HKDF-SHA-256 (RFC 5869) of the backup's key, salt of the header, info "sentinel-backup" ‖ preamble ‖ header
 *   nonce   7 bytes of HKDF's, 32 bits of counter from 0, one byte: 1 in the last chunk, else 0
 *
 * So no chunk opens in another place, in another file or behind another header; and without its last chunk, or with
 * anything behind it, a file does not end. Nonces can't meet: a counter never comes twice under one derived key.
 */
import { ByteQueue } from "./byte-queue.ts";
import { BackupRefused } from "./refused.ts";

/** Of each chunk but the last, which holds 0 … as many. Memory of a reader, and 0.002 % of tags. */
export const chunkBytes = 1024 * 1024;
const tagBytes = 16;
const prefixBytes = 7;
export const backupKeyBytes = 32;

interface ChunkKey {
  readonly key: CryptoKey;
  readonly prefix: Uint8Array;
}

/**
 * Derives what seals the chunks of one file.
 * @param backupKey 32 bytes
 * @param salt of the header, 32 bytes
 * @param preface preamble and header, as they stand in the file
 */
async function chunkKey(backupKey: Uint8Array, salt: Uint8Array<ArrayBuffer>, preface: Uint8Array): Promise<ChunkKey> {
  if (backupKey.length !== backupKeyBytes) throw new RangeError("a backup's key has 32 bytes");
  const root = await crypto.subtle.importKey("raw", Uint8Array.from(backupKey), "HKDF", false, ["deriveBits"]);
  const purpose = new TextEncoder().encode("sentinel-backup");
  const info = new Uint8Array(purpose.length + 32);
  info.set(purpose);
  // Hashed, for some implementations bound `info`.
  info.set(new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(preface))), purpose.length);
  const derivation = { name: "HKDF", hash: "SHA-256", salt, info };
  const bits = new Uint8Array(await crypto.subtle.deriveBits(derivation, root, (backupKeyBytes + prefixBytes) * 8));
  return {
    key: await crypto.subtle.importKey("raw", bits.slice(0, backupKeyBytes), "AES-GCM", false, ["encrypt", "decrypt"]),
    prefix: bits.slice(backupKeyBytes),
  };
}

function algorithmFor({ prefix }: ChunkKey, counter: number, last: boolean): AesGcmParams {
  // 2^32 chunks are four pebibytes.
  if (counter > 0xffff_ffff) throw new RangeError("a backup has fewer chunks than that");
  const iv = new Uint8Array(prefixBytes + 5);
  iv.set(prefix);
  new DataView(iv.buffer).setUint32(prefixBytes, counter);
  iv[prefixBytes + 4] = last ? 1 : 0;
  return { name: "AES-GCM", iv, tagLength: tagBytes * 8 };
}

export interface Sealing {
  readonly backupKey: Uint8Array;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly preface: Uint8Array;
}

/** Seals bytes of any pieces; yields the chunks. */
export async function* sealChunks(
  sealing: Sealing,
  plain: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const derived = await chunkKey(sealing.backupKey, sealing.salt, sealing.preface);
  const queue = new ByteQueue();
  let counter = 0;
  const seal = async (last: boolean): Promise<Uint8Array<ArrayBuffer>> => {
    const chunk = queue.take(Math.min(chunkBytes, queue.length));
    const sealed = await crypto.subtle.encrypt(algorithmFor(derived, counter, last), derived.key, chunk);
    counter += 1;
    return new Uint8Array(sealed);
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
  const derived = await chunkKey(sealing.backupKey, sealing.salt, sealing.preface);
  const queue = new ByteQueue();
  let counter = 0;
  const open = async (last: boolean): Promise<Uint8Array<ArrayBuffer>> => {
    const chunk = queue.take(Math.min(chunkBytes + tagBytes, queue.length));
    try {
      const plain = await crypto.subtle.decrypt(algorithmFor(derived, counter, last), derived.key, chunk);
      counter += 1;
      return new Uint8Array(plain);
    } catch {
      throw new BackupRefused(
        "not_authentic",
        `chunk ${counter + 1} does not open: another key, or the file is not what was written`,
      );
    }
  };
  for await (const piece of sealed) {
    queue.push(piece);
    while (queue.length > chunkBytes + tagBytes) yield await open(false);
  }
  yield await open(true);
}
