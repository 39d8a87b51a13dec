import { base64url } from "jose";
import type { OrgId } from "../ids.ts";
import { assertWrappable, KeyUnavailable, type KeyWrapper, wrappedKeyBytes } from "./key-wrapper.ts";

/**
 * Sentinel's own key-encryption key: who has no key service has this one. A wrapped key is
 * `s1.{key-encryption key's id}.{nonce}.{ciphertext and tag}`, AES-256-GCM (NIST SP 800-38D), with
 * organisation and purpose in the additional data.
 */
const version = "s1";
/** Random, and one a wrapped key: a data key lasts for 2^30 messages, so 2^32 are never reached. */
const nonceBytes = 12;
/** Of the key-encryption key's own digest: enough to tell the one in use from the one before. */
const idBytes = 8;

interface EncryptionKey {
  readonly id: string;
  readonly key: CryptoKey;
}

/**
 * @param current 32 bytes, base64url: wraps and unwraps
 * @param previous the one before, which only unwraps while wrapped keys are moved to the new one; null for none
 * @param randomBytes fresh random bytes
 * @throws Error when a key is malformed, so that a Worker with a wrong secret does not start
 */
export async function createSentinelKeeper(
  current: string,
  previous: string | null,
  randomBytes: (length: number) => Uint8Array<ArrayBuffer>,
): Promise<KeyWrapper & { readonly isCurrent: (wrapped: string) => boolean }> {
  const wrapping = await importKey(current);
  const known = new Map([[wrapping.id, wrapping.key]]);
  if (previous !== null) {
    const { id, key } = await importKey(previous);
    if (!known.has(id)) known.set(id, key);
  }
  return {
    async wrap(org, key, purpose) {
      assertWrappable(key, purpose);
      const nonce = randomBytes(nonceBytes);
      const algorithm = parameters(nonce, wrapping.id, org, purpose);
      const sealed = await crypto.subtle.encrypt(algorithm, wrapping.key, Uint8Array.from(key));
      return [version, wrapping.id, base64url.encode(nonce), base64url.encode(new Uint8Array(sealed))].join(".");
    },

    async unwrap(org, wrapped, purpose) {
      const [found, id = "", nonceText = "", sealedText = "", ...rest] = wrapped.split(".");
      const nonce = decode(nonceText);
      const sealed = decode(sealedText);
      if (found !== version || nonce?.length !== nonceBytes || sealed === null || rest.length > 0)
        throw new KeyUnavailable("malformed");
      const key = known.get(id);
      // Wrapped under a key-encryption key that is gone: what it held is gone as well.
      if (key === undefined) throw new KeyUnavailable("refused");
      try {
        const opened = await crypto.subtle.decrypt(parameters(nonce, id, org, purpose), key, sealed);
        if (opened.byteLength === wrappedKeyBytes) return new Uint8Array(opened);
      } catch {
        // Another organisation's, of another purpose, or changed.
      }
      throw new KeyUnavailable("refused");
    },

    isCurrent: (wrapped) => wrapped.startsWith(`${version}.${wrapping.id}.`),
  };
}

async function importKey(text: string): Promise<EncryptionKey> {
  const bytes = decode(text);
  if (bytes?.length !== wrappedKeyBytes) throw new Error("the data key-encryption key must be 32 bytes in base64url");
  const labelled = new Uint8Array([...new TextEncoder().encode("sentinel data key-encryption key "), ...bytes]);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", labelled));
  return {
    id: base64url.encode(digest.subarray(0, idBytes)),
    key: await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]),
  };
}

/** JSON keeps the parts apart: none can be cut elsewhere into the same bytes. */
function parameters(nonce: Uint8Array<ArrayBuffer>, id: string, org: OrgId, purpose: string): AesGcmParams {
  const additionalData = new TextEncoder().encode(JSON.stringify(["sentinel-wrapped-key", version, id, org, purpose]));
  return { name: "AES-GCM", iv: nonce, additionalData, tagLength: 128 };
}

function decode(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return null;
  try {
    return new Uint8Array(base64url.decode(text));
  } catch {
    return null;
  }
}
