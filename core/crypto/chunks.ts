/**
 * Bytes that are sealed in chunks, so that a reader needs neither all of them nor their end to be sure of some: STREAM
 * (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015)
 * in the shape of Tink's AES-GCM-HKDF streaming. The nonce says the place of a chunk and whether it is the last.
 *
 *   key     HKDF-SHA-256 (RFC 5869) of a secret, a salt of this one sealing, and what it is bound to
 *   nonce   7 bytes of HKDF's, 32 bits of counter from 0, one byte: 1 in the last chunk, else 0
 *
 * Nonces can't meet: a counter never comes twice under one derived key, as long as each sealing draws its own salt.
 */

/** GCM's whole tag (NIST SP 800-38D section 5.2.1.2): what each chunk grows by. */
export const chunkTagBytes = 16;
/** Of the secret, and of the key that is derived from it: AES-256. */
export const chunkSecretBytes = 32;
const prefixBytes = 7;
const counterMax = 0xffff_ffff;

/** Seals and opens the chunks of one sealing. */
export interface ChunkKey {
  readonly key: CryptoKey;
  readonly prefix: Uint8Array;
}

/** Where a chunk stands. */
export interface ChunkPlace {
  /** From 0. */
  readonly counter: number;
  readonly isLast: boolean;
}

/**
 * Derives what seals the chunks of one sealing.
 * @param secret 32 bytes
 * @param salt random, drawn for this sealing alone
 * @param info what the sealing is bound to; behind another it does not open
 */
export async function deriveChunkKey(
  secret: Uint8Array,
  salt: Uint8Array<ArrayBuffer>,
  info: Uint8Array<ArrayBuffer>,
): Promise<ChunkKey> {
  if (secret.length !== chunkSecretBytes) throw new RangeError("what chunks are sealed under has 32 bytes");
  const root = await crypto.subtle.importKey("raw", Uint8Array.from(secret), "HKDF", false, ["deriveBits"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt, info };
  const bits = new Uint8Array(await crypto.subtle.deriveBits(derivation, root, (chunkSecretBytes + prefixBytes) * 8));
  const key = bits.slice(0, chunkSecretBytes);
  return {
    key: await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]),
    prefix: bits.slice(chunkSecretBytes),
  };
}

/** Seals one chunk; it grows by {@link chunkTagBytes}. */
export async function sealChunk(
  key: ChunkKey,
  place: ChunkPlace,
  plain: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.encrypt(algorithmFor(key, place), key.key, plain));
}

/** Opens one chunk; null when it is not what was sealed at this place under this key. */
export async function openChunk(
  key: ChunkKey,
  place: ChunkPlace,
  sealed: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const algorithm = algorithmFor(key, place);
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key.key, sealed));
  } catch {
    return null;
  }
}

function algorithmFor({ prefix }: ChunkKey, { counter, isLast }: ChunkPlace): AesGcmParams {
  if (counter > counterMax) throw new RangeError("a counter must not begin again");
  const iv = new Uint8Array(prefixBytes + 5);
  iv.set(prefix);
  new DataView(iv.buffer).setUint32(prefixBytes, counter);
  iv[prefixBytes + 4] = isLast ? 1 : 0;
  return { name: "AES-GCM", iv, tagLength: chunkTagBytes * 8 };
}
