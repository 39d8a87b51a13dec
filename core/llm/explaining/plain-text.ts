/**
 * What no text shows and what changes how others are read: controls (of a terminal too), characters that turn the
 * direction of writing, that have no width, and tags, in which a sentence can be hidden from people alone.
 * Line feed and tab are none of them; nor are the joiners, without which some of India's scripts can't be written.
 */
const unseen = /(?![\t\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/gu;

/** A text as it can be read, in one direction and whole; half a character that was cut is `\ufffd`. */
export function plainText(text: string): string {
  return text.toWellFormed().replaceAll(unseen, "");
}

/** The same in one line of at most so many UTF-16 code units. */
export function plainLine(text: string, charactersMax: number): string {
  return plainText(text.slice(0, charactersMax)).replaceAll(/\s+/g, " ").trim();
}
