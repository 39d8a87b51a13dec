import { decodeEntities, decodeEscapes, decodePercent } from "./decode.ts";

/**
 * Undoes what hides an attack from a pattern: encodings, letter case, spacing, comments. Pure; every
 * step is one pass over the text.
 */

/** An attack that is wrapped more often than this would have to be unwrapped as often by what it attacks. */
export const roundsMax = 3;

/**
 * All readings of a text in which rules look: as it came, after each round of decoding, and the last one
 * without comments (which hide words from a pattern, or hide words that only look like comments).
 */
export function readings(text: string): string[] {
  const first = fold(text);
  if (!/[%&\\]|\/\*/.test(first)) return [first];
  const found = [first];
  let current = first;
  for (let round = 0; round < roundsMax; round += 1) {
    const decoded = decode(current);
    // What is folded and holds no encoding is its own next round.
    if (decoded === current) break;
    const next = fold(decoded);
    if (!found.includes(next)) found.push(next);
    current = next;
  }
  const bare = stripComments(current);
  if (!found.includes(bare)) found.push(bare);
  return found;
}

/** One round: percent, HTML entities, backslash escapes, then case and spacing. */
export function normaliseRound(text: string): string {
  return fold(decode(text));
}

const decode = (text: string): string => decodeEscapes(decodeEntities(decodePercent(text)));

/**
 * ASCII lower case, compatibility forms (full-width and the like) as plain ones, invisible characters gone,
 * each run of space one character: a line feed if there was one in it, else a space.
 */
export function fold(text: string): string {
  const kind = kindOf(text);
  if (kind === plain) return text;
  const lower = text.toLowerCase();
  if (kind === ascii) return squeeze(lower);
  // Once more: t + U+0308 has a composed form, T + U+0308 has none, and the Kelvin sign becomes a capital.
  const composed = lower.normalize("NFKC");
  const folded = composed === lower ? lower : composed.toLowerCase().normalize("NFKC");
  return squeeze(folded.replace(/[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]/g, ""));
}

/** Nothing to fold: the common case of what a program writes. */
const plain = 0;
const ascii = 1;
const wide = 2;

function kindOf(text: string): number {
  let kind = plain;
  let afterSpace = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7e) return wide;
    const space = code === 0x20 || code === 0x0a;
    if ((code < 0x20 && code !== 0x0a) || (code >= 0x41 && code <= 0x5a) || (space && afterSpace)) kind = ascii;
    afterSpace = space;
  }
  return kind;
}

function squeeze(text: string): string {
  return text.replace(/[\s\u0085]{2,}|[\t\v\f\r\u0085\u00a0\u2028\u2029]/g, (run) =>
    /[\n\r\u2028\u2029]/.test(run) ? "\n" : " ",
  );
}

/**
 * Comments of SQL become a space, as a database reads them; a MySQL conditional comment (a `!` and a
 * version) becomes its content. Scans by hand: a pattern would try every opening to the end of the text.
 */
export function stripComments(text: string): string {
  let result = "";
  let at = 0;
  for (;;) {
    const open = text.indexOf("/*", at);
    const close = open === -1 ? -1 : text.indexOf("*/", open + 2);
    if (close === -1) return at === 0 ? text : fold(result + text.slice(at));
    const inside = text.slice(open + 2, close);
    result += `${text.slice(at, open)} ${inside.startsWith("!") ? inside.replace(/^!\d{0,6}/, "") : ""} `;
    at = close + 2;
  }
}
