import { sha256Hex } from "../auth/keys.ts";

/** Crockford's base32: no letter that looks like a digit. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
/** 32 characters of 5 bits are 160 bits: read from paper once in years, guessed never. */
const characters = 32;

/** Longest text that is looked at: the code with a separator after each character. */
export const breakGlassTextMax = 64;

/** Makes a code in groups of four. 160 random bits need neither salt nor a slow hash. */
export function makeBreakGlassCode(randomBytes: (length: number) => Uint8Array): { code: string; hash: string } {
  // 32 divides 256, so every character is as likely as another.
  const plain = Array.from(randomBytes(characters), (byte) => alphabet[byte & 31]).join("");
  return { code: (plain.match(/.{4}/g) ?? []).join("-"), hash: sha256Hex(plain) };
}

/** The stored form of a code as somebody typed it; null if it can't be one. */
export function breakGlassHash(text: string): string | null {
  const plain = text.toLowerCase().replaceAll(/[\s-]/g, "").replaceAll("o", "0").replaceAll(/[il]/g, "1");
  return /^[0-9a-hjkmnp-tv-z]{32}$/.test(plain) ? sha256Hex(plain) : null;
}
