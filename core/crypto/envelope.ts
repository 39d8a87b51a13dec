import { base64url } from "jose";

/**
 * Sealed bytes: AES-256-GCM (NIST SP 800-38D) under a key-encryption key, as text
 * `v1.{nonce}.{ciphertext and tag}`, both base64url. What a byte string is for is part of the
 * additional data, so a sealed value moved to another row or purpose does not open.
 */
const version = "v1";
const nonceBytes = 12;
const keyBytes = 32;

/** What a sealed value is and which one; bound to it as additional data. */
export interface EnvelopeContext {
  /** One word for the kind of secret, such as `access-signing-key`. */
  readonly purpose: string;
  readonly kid: string;
}

/**
 * Imports the key-encryption key. It can only seal and open, and never leaves the isolate.
 * @param text 32 bytes, base64url
 * @throws Error when it is anything else, so that a Worker with a wrong secret does not start
 */
export async function importEnvelopeKey(text: string): Promise<CryptoKey> {
  const bytes = decode(text);
  if (bytes?.length !== keyBytes) throw new Error("the key-encryption key must be 32 bytes in base64url");
  return await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/**
 * Seals bytes.
 * @param nonce 12 fresh random bytes. Random nonces are safe for 2^32 seals under one key
 *   (SP 800-38D section 8.3); a key ring makes two a month.
 */
export async function sealEnvelope(
  key: CryptoKey,
  context: EnvelopeContext,
  plaintext: Uint8Array<ArrayBuffer>,
  nonce: Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (nonce.length !== nonceBytes) throw new RangeError("an envelope needs a nonce of 12 bytes");
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: additionalData(context), tagLength: 128 };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, plaintext));
  return `${version}.${base64url.encode(nonce)}.${base64url.encode(sealed)}`;
}

/**
 * Opens what {@link sealEnvelope} made.
 * @throws Error when it was changed, belongs to another context, or was sealed under another key
 */
export async function openEnvelope(
  key: CryptoKey,
  context: EnvelopeContext,
  envelope: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const [found, nonceText, sealedText, ...rest] = envelope.split(".");
  const nonce = decode(nonceText);
  const sealed = decode(sealedText);
  if (found !== version || nonce?.length !== nonceBytes || sealed === null || rest.length > 0) {
    throw new Error("not an envelope of a known version");
  }
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: additionalData(context), tagLength: 128 };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, sealed));
  } catch {
    throw new Error(`the envelope of ${context.purpose} ${context.kid} does not open with this key`);
  }
}

/** JSON keeps the parts apart: no purpose and kid can be cut elsewhere into the same bytes. */
function additionalData(context: EnvelopeContext): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(["sentinel-envelope", version, context.purpose, context.kid]));
}

function decode(text: string | undefined): Uint8Array<ArrayBuffer> | null {
  if (text === undefined || !/^[A-Za-z0-9_-]+$/.test(text)) return null;
  try {
    return new Uint8Array(base64url.decode(text));
  } catch {
    return null;
  }
}
