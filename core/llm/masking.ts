/**
 * Masks personal data before a text leaves for a provider, and puts it back in what comes back.
 *
 * Each value becomes a placeholder such as `[PHONE_2_K7Q2MX9A]`. The last word is the request's own and occurs nowhere in
 * what the request sends, so whatever reads like a placeholder in a text of the user's is never taken for one. Only
 * an exact placeholder is put back: one that a model invents, or alters, stays as it is, and stands for nobody.
 * The table lives as long as the request, in memory alone.
 */
import { findAddresses } from "./addresses.ts";
import { findCodes } from "./codes.ts";
import { type DirectoryNames, findNames } from "./directory-names.ts";
import type { Finding, PersonalKind } from "./finding.ts";
import { findNumbers } from "./numbers.ts";

/** Characters of a request's own word: 40 bits, so that no text hits it by chance; and no vowel, so that it is no word. */
const tagCharacters = 8;
/** Crockford's base32 without its vowels and with three signs fewer to mistake; a byte's remainder may lean, it is no secret. */
const tagAlphabet = "0123456789BCDFGHJKMNPQRSTVWXYZ";

/** The longest placeholder, in characters: brackets, kind, six digits and the tag. */
export const placeholderCharactersMax = 2 + 7 + 1 + 6 + 1 + tagCharacters;
/** What the end of a text looks like while a placeholder may still be coming: a beginning of one, or all but its end. */
const beginning = /\[(?:[A-Z]{1,7}(?:_(?:[1-9][0-9]{0,5}(?:_[0-9A-Z]{0,8})?)?)?)?$/;
const placeholder = /\[([A-Z]{1,7})_([1-9][0-9]{0,5})_([0-9A-Z]{8})\]/g;

/** Findings of a text, none overlapping, in order: of two the earlier, and of two that begin together the longer. */
export function findPersonal(text: string, names: DirectoryNames): Finding[] {
  const all = [...findAddresses(text), ...findNumbers(text), ...findCodes(text), ...findNames(text, names)];
  all.sort((left, right) => left.start - right.start || right.end - left.end);
  const kept: Finding[] = [];
  let end = 0;
  for (const finding of all) {
    if (finding.start >= end) {
      kept.push(finding);
      end = finding.end;
      continue;
    }
    // It overlaps and reaches further: what sticks out is personal too, so the earlier one grows over it.
    const last = kept.at(-1);
    if (last === undefined || finding.end <= end) continue;
    kept[kept.length - 1] = { ...last, end: finding.end };
    end = finding.end;
  }
  return kept;
}

/**
 * The text with placeholders that nobody puts back, for what is compared and not read: vectors. They hold nothing of the
 * request's own, so that the same text is the same vector whenever it is asked for.
 */
export function maskForGood(text: string, names: DirectoryNames): string {
  const placeholders = new Map<string, string>();
  const counts = new Map<PersonalKind, number>();
  return replaceFindings(text, names, (value, kind) => {
    const count = (counts.get(kind) ?? 0) + 1;
    const known = placeholders.get(value) ?? `[${kind}_${count}]`;
    if (!placeholders.has(value)) counts.set(kind, count);
    placeholders.set(value, known);
    return known;
  });
}

function replaceFindings(
  text: string,
  names: DirectoryNames,
  placeholderOf: (value: string, kind: PersonalKind) => string,
): string {
  let masked = "";
  let at = 0;
  for (const { start, end, kind } of findPersonal(text, names)) {
    masked += text.slice(at, start) + placeholderOf(text.slice(start, end), kind);
    at = end;
  }
  return masked + text.slice(at);
}

/** One request's table of what stands for what. */
export class MaskTable {
  readonly #tag: string;
  readonly #names: DirectoryNames;
  /** Written by `mask` alone. Invariant: each is the other's inverse. */
  readonly #placeholders = new Map<string, string>();
  readonly #values = new Map<string, string>();
  readonly #counts = new Map<PersonalKind, number>();
  readonly #asJson: boolean;

  /**
   * @param texts all that the request will send: the tag occurs in none of them
   * @param randomBytes of the platform
   * @param asJson JSON was asked for: what is put back stands in its strings, where a quote or a line end would end them
   */
  constructor(
    texts: readonly string[],
    names: DirectoryNames,
    randomBytes: (length: number) => Uint8Array<ArrayBuffer>,
    asJson = false,
  ) {
    this.#names = names;
    this.#asJson = asJson;
    let tag = "";
    do {
      tag = [...randomBytes(tagCharacters)].map((byte) => tagAlphabet[byte % tagAlphabet.length]).join("");
    } while (texts.some((text) => text.includes(tag)));
    this.#tag = tag;
  }

  /** How many different values of each kind were masked: all that may be written down of them. */
  get counts(): ReadonlyMap<PersonalKind, number> {
    return this.#counts;
  }

  /** The text as it may leave. The same value is the same placeholder throughout the request. */
  mask(text: string): string {
    return replaceFindings(text, this.#names, (value, kind) => this.#placeholderOf(value, kind));
  }

  /** A whole text of the answer, with the values where their placeholders stand. */
  unmask(text: string): string {
    return text.replaceAll(placeholder, (written) => {
      const value = this.#values.get(written);
      if (value === undefined) return written;
      return this.#asJson ? JSON.stringify(value).slice(1, -1) : value;
    });
  }

  /** The same for a text that comes in pieces, cut anywhere. */
  unmasker(): Unmasker {
    return new Unmasker(this);
  }

  #placeholderOf(value: string, kind: PersonalKind): string {
    const known = this.#placeholders.get(value);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    const written = `[${kind}_${count}_${this.#tag}]`;
    this.#counts.set(kind, count);
    this.#placeholders.set(value, written);
    this.#values.set(written, value);
    return written;
  }
}

/** Puts values back across the borders of pieces. It holds back no more than the beginning of one placeholder. */
export class Unmasker {
  readonly #table: MaskTable;
  /** The end of what has come, while it may be a placeholder's beginning. Shorter than a placeholder. */
  #held = "";

  constructor(table: MaskTable) {
    this.#table = table;
  }

  /** @returns what is certain by now; the rest comes with a later piece, or with `end` */
  push(piece: string): string {
    const text = this.#held + piece;
    const from = text.lastIndexOf("[");
    const tail = from === -1 ? "" : text.slice(from);
    this.#held = tail.length < placeholderCharactersMax && beginning.test(tail) ? tail : "";
    return this.#table.unmask(text.slice(0, text.length - this.#held.length));
  }

  /** What was held back after all: an answer that ends within a placeholder shows it as the model wrote it. */
  end(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }
}
