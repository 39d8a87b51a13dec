import type { PlainAnswer } from "./exchange.ts";

const nonceBytes = 12;

/**
 * The sealing key comes from the Idempotency-Key itself, of which only a MAC is stored, salted with a
 * secret of studio: a stolen database shows no token, and neither does one together with a guessed key.
 */
async function sealingKey(salt: Uint8Array, key: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", new TextEncoder().encode(key), "HKDF", false, ["deriveKey"]);
  const info = new TextEncoder().encode("sentinel/studio/idempotent-answer");
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt, info },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}

/**
 * Seals a finished answer (AES-256-GCM, bound to its row).
 * @param nonce 12 random bytes
 * @returns base64url of nonce and ciphertext
 */
export async function sealAnswer(
  salt: Uint8Array,
  key: string,
  row: string,
  answer: PlainAnswer,
  nonce: Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (nonce.length !== nonceBytes) throw new RangeError("an AES-GCM nonce is 12 bytes");
  const plain = new TextEncoder().encode(JSON.stringify(answer));
  const parameters = { name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode(row) };
  const sealed = await crypto.subtle.encrypt(parameters, await sealingKey(salt, key), plain);
  return Buffer.concat([nonce, new Uint8Array(sealed)]).toString("base64url");
}

/** Opens what {@link sealAnswer} made; throws when it was made for another key or row. */
export async function openAnswer(salt: Uint8Array, key: string, row: string, sealed: string): Promise<PlainAnswer> {
  const bytes = new Uint8Array(Buffer.from(sealed, "base64url"));
  const parameters = {
    name: "AES-GCM",
    iv: bytes.slice(0, nonceBytes),
    additionalData: new TextEncoder().encode(row),
  };
  const plain = await crypto.subtle.decrypt(parameters, await sealingKey(salt, key), bytes.slice(nonceBytes));
  return JSON.parse(new TextDecoder().decode(plain)) as PlainAnswer;
}
