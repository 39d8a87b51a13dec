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

/** What is sealed under it: data keys, and what other keepers know us by. */
type Kind = "wrapped-key" | "keeper-credentials";

export interface SentinelKeeper extends KeyWrapper {
  /** False for what the key of before wrapped: it has to be wrapped anew before that one can go. */
  readonly isCurrent: (wrapped: string) => boolean;
  /** What a keeper of the organisation's own knows us by. */
  sealCredentials(org: OrgId, credentials: string): Promise<string>;
  /** @throws KeyUnavailable */
  openCredentials(org: OrgId, sealed: string): Promise<string>;
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
): Promise<SentinelKeeper> {
  const wrapping = await importKey(current);
  const known = new Map([[wrapping.id, wrapping.key]]);
  if (previous !== null) {
    const { id, key } = await importKey(previous);
    if (!known.has(id)) known.set(id, key);
  }

  async function seal(kind: Kind, org: OrgId, purpose: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const nonce = randomBytes(nonceBytes);
    const sealed = await crypto.subtle.encrypt(parameters(nonce, kind, wrapping.id, org, purpose), wrapping.key, bytes);
    return [version, wrapping.id, base64url.encode(nonce), base64url.encode(new Uint8Array(sealed))].join(".");
  }

  async function open(kind: Kind, org: OrgId, purpose: string, text: string): Promise<Uint8Array<ArrayBuffer>> {
    const [found, id = "", nonceText = "", sealedText = "", ...rest] = text.split(".");
    const nonce = decode(nonceText);
    const sealed = decode(sealedText);
    if (found !== version || nonce?.length !== nonceBytes || sealed === null || rest.length > 0)
      throw new KeyUnavailable("malformed");
    const key = known.get(id);
    // Sealed under a key-encryption key that is gone: what it held is gone as well.
    if (key === undefined) throw new KeyUnavailable("refused");
    try {
      return new Uint8Array(await crypto.subtle.decrypt(parameters(nonce, kind, id, org, purpose), key, sealed));
    } catch {
      // Another organisation's, of another purpose, or changed.
      throw new KeyUnavailable("refused");
    }
  }

  return {
    async wrap(org, key, purpose) {
      assertWrappable(key, purpose);
      return seal("wrapped-key", org, purpose, Uint8Array.from(key));
    },
    unwrap: (org, wrapped, purpose) => open("wrapped-key", org, purpose, wrapped),
    isCurrent: (wrapped) => wrapped.startsWith(`${version}.${wrapping.id}.`),
    sealCredentials: (org, credentials) =>
      seal("keeper-credentials", org, "", Uint8Array.from(new TextEncoder().encode(credentials))),
    openCredentials: async (org, sealed) => new TextDecoder().decode(await open("keeper-credentials", org, "", sealed)),
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
function parameters(nonce: Uint8Array<ArrayBuffer>, kind: Kind, id: string, org: OrgId, purpose: string): AesGcmParams {
  const bound = [`sentinel-${kind}`, version, id, org, purpose];
  return {
    name: "AES-GCM",
    iv: nonce,
    additionalData: new TextEncoder().encode(JSON.stringify(bound)),
    tagLength: 128,
  };
}

function decode(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return null;
  try {
    return new Uint8Array(base64url.decode(text));
  } catch {
    return null;
  }
}
