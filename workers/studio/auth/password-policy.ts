import {
  busyRetrySeconds,
  type HashOutcome,
  normalisePassword,
  passwordCharactersMax,
} from "../../../core/rpc/passwords.ts";
import { type HandlerResult, type Refusal, refuse } from "../http/result.ts";

/** Characters of a password that is all a person signs in with (NIST 800-63B-4 §3.1.1.2). */
export const passwordCharactersMin = 15;
/** … and of one that a second factor stands beside (same section). */
export const passwordCharactersMinWithFactor = 8;

/** What is known of the person, and so of no worth in their password. */
export interface AboutPerson {
  readonly email: string;
  readonly name: string;
  /** Names and slugs of their organisations. */
  readonly organisations: readonly string[];
}

export type PasswordObjection = "too_short" | "too_long" | "personal";

/** Length in characters (code points) of the normal form. */
export function passwordLength(password: string): number {
  return [...normalisePassword(password)].length;
}

/** A person with a second factor may have a shorter password, which then needs the factor. */
export function needsFactor(password: string): boolean {
  return passwordLength(password) < passwordCharactersMin;
}

/**
 * Judges a password that somebody chooses. Length and what is known of the person count, no composition
 * rules (NIST 800-63B-4 §3.1.1.2, ASVS 6.2); whether it is a common one the passwords Worker says.
 */
export function objectionTo(password: string, about: AboutPerson, hasFactor: boolean): PasswordObjection | null {
  const length = passwordLength(password);
  if (length < (hasFactor ? passwordCharactersMinWithFactor : passwordCharactersMin)) return "too_short";
  if (length > passwordCharactersMax) return "too_long";
  return isPersonal(password, about) ? "personal" : null;
}

/** The answer to a password that is not taken. Says what to do, never what was typed. */
export function refusePassword(
  path: string,
  objection: PasswordObjection | "common",
  hasFactor = false,
): HandlerResult<never> {
  const messages: Record<typeof objection, string> = {
    too_short: `must be at least ${hasFactor ? passwordCharactersMinWithFactor : passwordCharactersMin} characters long`,
    too_long: `must be at most ${passwordCharactersMax} characters long`,
    personal: "must not be made of your name, your e-mail address or your organisation's name",
    common: "is one of the first that are guessed; choose another",
  };
  return refuse("invalid_request", { errors: [{ path, message: messages[objection] }] });
}

/** The answer when there is no room for one more hash. */
export const refuseBusy: Refusal = refuse("busy", { headers: { "Retry-After": String(busyRetrySeconds) } });

/** The answer when a new password was not hashed: it is a common one, or there is no room. */
export function refuseHash(path: string, outcome: Exclude<HashOutcome, { kind: "ok" }>): HandlerResult<never> {
  if (outcome.kind === "refused") return refusePassword(path, outcome.reason);
  return refuseBusy;
}

/** Shorter words are part of too many others: a person called Li may say "little". */
const personalWordCharactersMin = 4;
/** With what is known of the person taken out, as much must be left as a password has at the very least. */
const impersonalCharactersMin = passwordCharactersMinWithFactor;
/** What every password here might be made of. */
const ownName = "sentinel";

/** True when little but the person's own name, address or organisation is in it. */
function isPersonal(password: string, about: AboutPerson): boolean {
  const plain = lettersAndDigits(password);
  let rest = plain;
  for (const word of personalWords(about)) rest = rest.replaceAll(word, "");
  // A year behind one's name makes it no secret.
  return rest !== plain && [...rest.replaceAll(/^\p{N}+|\p{N}+$/gu, "")].length < impersonalCharactersMin;
}

/** Longest first, so that a whole name goes before its parts. */
function personalWords({ email, name, organisations }: AboutPerson): string[] {
  const words = [email, name, ...organisations, ownName].flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)]);
  const plain = new Set(words.map(lettersAndDigits).filter((word) => [...word].length >= personalWordCharactersMin));
  return [...plain].sort((left, right) => right.length - left.length);
}

/** Case, accents, blanks and signs disguise nothing. */
function lettersAndDigits(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, "");
}
