import { sha256Hex } from "../keys.ts";

/** As many as people are used to from elsewhere, and few enough to write down. */
export const recoveryCodeCount = 10;
/** Crockford's base32: no letter that looks like a digit. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
/** 28 characters of 5 bits are 140 bits, the least above 128 that falls into groups of four. */
const characters = 28;
const groupPattern = /.{4}/g;

/** Longest text that is looked at: the code with a separator after each character. */
export const recoveryCodeTextMax = 64;

export interface MadeCodes {
  /** Shown once: `xxxx-xxxx-…`. */
  readonly codes: string[];
  /** What is kept. */
  readonly hashes: string[];
}

/** Makes ten codes. 140 random bits each need neither salt nor a slow hash. */
export function makeRecoveryCodes(randomBytes: (length: number) => Uint8Array): MadeCodes {
  const plain = Array.from({ length: recoveryCodeCount }, () =>
    // 32 divides 256, so every character is as likely as another.
    Array.from(randomBytes(characters), (byte) => alphabet[byte & 31]).join(""),
  );
  return { codes: plain.map((code) => (code.match(groupPattern) ?? []).join("-")), hashes: plain.map(sha256Hex) };
}

/** The stored form of a code as somebody typed it, however they grouped it; null if it can't be one. */
export function recoveryCodeHash(text: string): string | null {
  const plain = text.toLowerCase().replaceAll(/[\s-]/g, "").replaceAll("o", "0").replaceAll(/[il]/g, "1");
  return /^[0-9a-hjkmnp-tv-z]{28}$/.test(plain) ? sha256Hex(plain) : null;
}
