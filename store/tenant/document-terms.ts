/** Words that documents are found by, and what is looked for among them. */
import { type Statement, sql } from "../connect.ts";

/**
 * Longest word, in characters (code points): longer ones are numbers and codes of machines. Postgres takes words of
 * 2,046 bytes.
 */
const wordCharactersMax = 64;
/** Different words of one text: a thick book has fewer, and a list of words is at most 1 MiB. */
export const wordsMax = 30_000;
/** Words of one query; what is typed into a search field has a few. */
export const queryWordsMax = 16;

/**
 * The words of a text, each once: letters with their marks, and digits, in NFC and lower case. Postgres's own parser
 * cuts Indian words at their vowel signs, which are marks and no letters, where its locale doesn't know better; joiners
 * shape such words and are no part of them.
 */
export function wordsOf(text: string): string[] {
  const words = new Set<string>();
  for (const [word] of text
    .normalize("NFC")
    .toLowerCase()
    .replaceAll(/[\u200c\u200d]/gu, "")
    .matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    if ([...word].length <= wordCharactersMax) words.add(word);
    if (words.size === wordsMax) break;
  }
  return [...words];
}

/** A list of words for the column: as they are (`simple`), and what English makes of them. */
export function termsOf(text: string): Statement {
  const words = wordsOf(text);
  return sql`(array_to_tsvector(${words}::text[])
    || strip(to_tsvector('pg_catalog.english', array_to_string(${words}::text[], ' '))))`;
}

/**
 * What finds all of the words in a text of a person's: each as a beginning, or as English has it.
 * @returns null when there is no word in it, which finds nothing
 */
export function queryOf(text: string): Statement | null {
  const words = wordsOf(text).slice(0, queryWordsMax);
  // A word is letters, marks and digits alone, so nothing in it means anything to tsquery.
  const each = words.map((word) => sql`(${`'${word}':*`}::tsquery || plainto_tsquery('pg_catalog.english', ${word}))`);
  return each.reduce<Statement | null>((all, one) => (all === null ? one : sql`${all} && ${one}`), null);
}
