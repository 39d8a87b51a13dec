import { base64url } from "jose";
import { CallRefused } from "./refused.ts";

/** Longest token we parse; ours are below 1 KiB, an assertion with its certificate below 2. */
export const tokenCharactersMax = 8 * 1024;

/**
 * Three parts of base64url without padding, the last an Ed25519 signature: 64 bytes are 86 characters,
 * whose last one carries two bits and four that must be zero. So a token has one spelling, and an
 * altered one is not the same token under another hash (RFC 7515 §2, §7.1).
 */
const compactPattern = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]{85}[AQgw]$/;

/**
 * Reads the protected header of a compact JWS, unverified.
 *
 * Header and payload must be the very text that `JSON.stringify` writes, which is how our signers write
 * them. That refuses duplicate members (RFC 7515 §4, RFC 7519 §4), of which two parsers could each take
 * another one, and spaces, escapes and numbers that are spelled in more than one way.
 * @throws CallRefused `malformed`
 */
export function readCompact(token: string): Readonly<Record<string, unknown>> {
  if (token.length > tokenCharactersMax) throw new CallRefused("malformed");
  const parts = compactPattern.exec(token);
  if (parts === null) throw new CallRefused("malformed");
  const header = readObject(parts[1] ?? "");
  readObject(parts[2] ?? "");
  return header;
}

function readObject(part: string): Readonly<Record<string, unknown>> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(base64url.decode(part));
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value) && JSON.stringify(value) === text)
      return value as Record<string, unknown>;
  } catch {
    // Not base64url, not UTF-8, not JSON, or nested deeper than anything of ours.
  }
  throw new CallRefused("malformed");
}
