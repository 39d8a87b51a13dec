/** Characters (code points) of a name or platform; the tables' check constraints say the same. */
export const nameCharactersMax = 100;

/** Before normalising: composing can shorten a text, but no honest 100 characters are longer than this. */
const rawCharactersMax = 1000;

/**
 * Controls, line separators, and the marks that turn the reading direction, with which a name could
 * pretend to be another. Joiners stay: Indian scripts and emoji need them.
 */
const forbidden = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u;

/** A name as it is stored: NFC, trimmed, 1 to 100 characters. Null when it cannot be one. */
export function parseName(text: unknown): string | null {
  if (typeof text !== "string" || text.length > rawCharactersMax || !text.isWellFormed()) return null;
  const name = text.normalize("NFC").trim();
  const characters = [...name].length;
  return characters < 1 || characters > nameCharactersMax || forbidden.test(name) ? null : name;
}
