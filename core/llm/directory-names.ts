/** Names of the people whom the organisation knows, found in a text as whole words. */
import { type Finding, seen, unseen } from "./finding.ts";

/** Most words of a name that are looked at: longer ones are found by their first eight. */
const wordsMax = 8;
/** Shortest part of a name that is masked by itself: an initial is in every text. In code points. */
const partCharactersMin = 3;

interface Node {
  readonly next: Map<string, Node>;
  /** A whole name ends here. */
  ends: boolean;
}

/** A dictionary of names. Made once for many texts. */
export interface DirectoryNames {
  readonly whole: Node;
  /** Parts of names, as the directory writes them and in capitals, as registers do. */
  readonly parts: ReadonlySet<string>;
}

/** Joiners belong to the word: some of India's scripts write names with them, and others hide names behind them. */
const word = new RegExp(`[\\p{L}\\p{M}\\p{N}](?:[\\p{L}\\p{M}\\p{N}]|${unseen})*`, "gu");
/** A word as it is compared, whichever of its spellings it has. */
const plain = (text: string): string => seen(text).normalize("NFKC");
/** The same of a whole name, which may be typed in small letters. */
const folded = (text: string): string => plain(text).toLowerCase();

/** What may stand between two words of one name; in a user's name an underscore. */
const between = /^[\s._\u00A0'\u2019-]{1,8}$/;

/** @param names as the directory has them, such as "Asha Rao"; empty ones and single initials name nobody */
export function directoryNames(names: Iterable<string>): DirectoryNames {
  const whole: Node = { next: new Map(), ends: false };
  const parts = new Set<string>();
  for (const name of names) {
    const words = (name.match(word) ?? []).slice(0, wordsMax).map(plain);
    if (words.length === 0 || words.every(([...characters]) => characters.length === 1)) continue;
    for (const part of words) {
      if ([...part].length < partCharactersMin) continue;
      parts.add(part);
      parts.add(part.toUpperCase());
    }
    // A name of one word is a part and nothing else: "will" is not Will.
    if (words.length === 1) continue;
    let node = whole;
    for (const part of words) {
      const next = node.next.get(folded(part)) ?? { next: new Map(), ends: false };
      node.next.set(folded(part), next);
      node = next;
    }
    node.ends = true;
  }
  return { whole, parts };
}

/**
 * Whole names however they are capitalised, and parts of them as the directory writes them. At each word at most eight
 * more are looked at, so time is linear in the text, however many names there are.
 */
export function findNames(text: string, { whole, parts }: DirectoryNames): Finding[] {
  const words = [...text.matchAll(word)].map((match) => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }));
  const found: Finding[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const first = words[at];
    if (first === undefined) break;
    let node: Node | undefined = whole;
    let last = -1;
    for (let ahead = at; ahead < words.length && ahead < at + wordsMax; ahead += 1) {
      const here = words[ahead];
      const before = words[ahead - 1];
      if (here === undefined) break;
      // "Asha. Rao" in one name, "Asha, Rao" in two people; a line end may stand within a name.
      if (ahead > at && !between.test(text.slice(before?.end, here.start))) break;
      node = node.next.get(folded(here.text));
      if (node === undefined) break;
      if (node.ends) last = ahead;
    }
    const end = words[last]?.end ?? (parts.has(plain(first.text)) ? first.end : null);
    if (end === null) continue;
    found.push({ start: first.start, end, kind: "PERSON" });
    at = Math.max(at, last);
  }
  return found;
}
