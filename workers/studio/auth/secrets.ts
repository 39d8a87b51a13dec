import { mac } from "./keys.ts";

/** Bytes of every secret that studio makes: session, refresh token, mailed token. */
const secretBytes = 32;
/** 32 bytes in base64url. */
const secretPattern = /^[A-Za-z0-9_-]{43}$/;

/** Makes a 256-bit secret, base64url. */
export function makeSecret(randomBytes: (length: number) => Uint8Array): string {
  return Buffer.from(randomBytes(secretBytes)).toString("base64url");
}

/** True for text that could be one of our secrets; spares the database anything else. */
export function looksLikeSecret(text: unknown): text is string {
  return typeof text === "string" && secretPattern.test(text);
}

/**
 * The one successor of a refresh token. Derived, so that two requests with the same parent get the
 * same successor and nothing that could be stolen is kept; who has only the parent can't compute it.
 */
export function refreshSuccessor(key: Uint8Array, token: string): string {
  return mac(key, ["refresh successor", token]).toString("base64url");
}
