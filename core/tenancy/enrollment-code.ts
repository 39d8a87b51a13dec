import { type OrgSlug, parseSlug } from "../ids.ts";

/**
 * An enrolment code as people read it aloud and type it: `{slug}-XXXXX-XXXXX-XXXXX-XXXXX`. The slug
 * says whose organisation it is (and whose geo policy judges the request), the rest is the secret:
 * 20 characters of Crockford's base32, 100 random bits.
 */
export interface EnrollmentCodeText {
  readonly slug: OrgSlug;
  /** 20 upper-case characters without hyphens. */
  readonly secret: string;
}

/** Crockford's alphabet: no I, L, O (they look like digits) and no U. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const secretCharacters = 20;
const groupCharacters = 5;
/** A slug of 40, the secret, and as many stray hyphens and spaces as a person may add. */
export const enrollmentCodeCharactersMax = 128;

/**
 * Writes a code in full.
 * @param random at least 20 random bytes; 256 is a multiple of 32, so each gives five even bits
 */
export function formatEnrollmentCode(slug: OrgSlug, random: Uint8Array): string {
  if (random.length < secretCharacters) throw new RangeError("an enrolment code needs 20 random bytes");
  let text: string = slug;
  for (let index = 0; index < secretCharacters; index += 1) {
    if (index % groupCharacters === 0) text += "-";
    text += alphabet[(random[index] ?? 0) & 31] ?? "";
  }
  return text;
}

/**
 * Reads a typed code: either case, hyphens and spaces in the secret ignored, O as 0, I and L as 1.
 * @returns null when it cannot be a code at all
 */
export function parseEnrollmentCode(text: unknown): EnrollmentCodeText | null {
  if (typeof text !== "string" || text.length > enrollmentCodeCharactersMax) return null;
  const typed = text.trim().toUpperCase().replaceAll("O", "0").replaceAll(/[IL]/g, "1");
  const raw = text.trim();
  // toUpperCase may lengthen (ß → SS); then the two no longer run side by side.
  if (typed.length !== raw.length) return null;
  let secret = "";
  let index = typed.length - 1;
  // From the right, because a slug may hold hyphens and letters of the alphabet itself.
  for (; index >= 0 && secret.length < secretCharacters; index -= 1) {
    const character = typed[index] ?? "";
    if (character === "-" || character === " ") continue;
    if (!alphabet.includes(character)) return null;
    secret = character + secret;
  }
  const slug = /^(.*[^- ])[- ]+$/.exec(raw.slice(0, index + 1))?.[1];
  if (secret.length !== secretCharacters || slug === undefined) return null;
  const parsed = parseSlug(slug.toLowerCase());
  return parsed === null ? null : { slug: parsed, secret };
}

/** The one spelling that is hashed. */
export function canonicalEnrollmentCode(code: EnrollmentCodeText): string {
  return `${code.slug}-${code.secret}`;
}
