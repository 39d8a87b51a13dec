/** Characters (code points) of a document's name; the table's check says the same. */
export const nameCharactersMax = 255;

/** Before normalising: composing can shorten a text, but no honest name is longer than this. */
const rawCharactersMax = 2_000;

/**
 * Controls, line separators, the marks that turn the reading direction, with which `gpj.exe` reads as a picture, and
 * what would make a path of it where it is saved.
 */
const forbidden = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069/\\]/u;

/** What takes no ink, or shows as a blank: marks without width, joiners by themselves, fillers. */
const unseen = /[\p{Cf}\p{Z}\p{M}\u115f\u1160\u2800\u3164\uffa0]/gu;

/** A name as it is stored: NFC, trimmed, 1 to 255 characters of which one can be seen, no path. Null when it cannot be one. */
export function parseName(text: unknown): string | null {
  if (typeof text !== "string" || text.length > rawCharactersMax || !text.isWellFormed()) return null;
  const name = text.normalize("NFC").trim();
  const characters = [...name].length;
  if (characters < 1 || characters > nameCharactersMax || forbidden.test(name)) return null;
  // A list must not show a row of nothing.
  if (name.replaceAll(unseen, "") === "") return null;
  return /^\.+$/.test(name) ? null : name;
}

/** A media type as somebody says it, without parameters (RFC 6838 section 4.2). Null when it cannot be one. */
export function parseMediaType(text: unknown): string | null {
  if (typeof text !== "string") return null;
  const type = text.toLowerCase();
  return /^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/.test(type) ? type : null;
}
