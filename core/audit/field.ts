/** Kinds of field that an audit event may have: how each is checked at the door, and how the documentation says it. */
import { type IdKind, idPrefixes } from "../ids.ts";

/** One field of an event. `parse` gives undefined for what is not its value. */
export interface Field<T> {
  /** What it holds, for docs/audit-events.md. */
  readonly says: string;
  readonly parse: (value: unknown) => T | undefined;
}

/** What a field holds once it was parsed. */
export type ValueOf<F> = F extends Field<infer T> ? T : never;

/** A gate's name and a problem code. */
export const refusalWord = /^[a-z][a-z0-9_]{0,31}$/;
/** As `request.cf.country` says it (`T1` included); `XX` also where it said nothing. */
export const refusalCountry = /^[A-Z][A-Z0-9]$/;

/** A month of the audit table: `2026-01`. */
export const monthPattern = /^[0-9]{4}-(?:0[1-9]|1[0-2])$/;

/** Longest user agent kept; browsers' are under 300. */
export const userAgentCharactersMax = 512;
/** Longest of the other free texts. */
export const textCharactersMax = 512;
/** Documents in one export event; a larger export is several events. */
export const documentIdsMax = 1000;
/** Longest duration, in milliseconds: a day. */
const durationMsMax = 24 * 3600_000;

const unsafe = /[\0\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** An identifier of ours (core/ids.ts). Its kind is said, and not checked: a log refuses no entry over a prefix. */
export function id(kind: IdKind): Field<string> {
  return matching(`id, \`${idPrefixes[kind]}_…\``, /^[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
}

export function matching(says: string, pattern: RegExp): Field<string> {
  return { says, parse: (value) => (typeof value === "string" && pattern.test(value) ? value : undefined) };
}

export function oneOf<const T extends string>(words: readonly T[]): Field<T> {
  return {
    says: words.map((word) => `\`${word}\``).join(", "),
    parse: (value) => words.find((word) => word === value),
  };
}

/** @param whenNull what null says */
export function orNull<T>(field: Field<T>, whenNull: string): Field<T | null> {
  return {
    says: `${field.says}; null: ${whenNull}`,
    parse: (value) => (value === null ? null : field.parse(value)),
  };
}

/**
 * Text that a stranger chose. It is cut to length, not refused: a failed sign-in with a monstrous
 * user agent must still be recorded. NUL, which Postgres can't store, lone surrogates, which canonical JSON can't,
 * and what steers a terminal or breaks a line without JSON escaping it (DEL, C1, the line and paragraph
 * separators, directions of writing) become U+FFFD. Other control characters are escaped by JSON wherever they go.
 */
export function freeText(says: string, charactersMax: number): Field<string> {
  return {
    says: `${says}, cut to ${charactersMax} characters`,
    parse: (value) =>
      typeof value === "string" ? value.slice(0, charactersMax).toWellFormed().replaceAll(unsafe, "\ufffd") : undefined,
  };
}

export function integer(says: string, min: number, max: number): Field<number> {
  return {
    says,
    parse: (value) =>
      Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
        ? (value as number)
        : undefined,
  };
}

/** Clocks may give fractions of a millisecond; the log keeps whole ones. */
export const duration: Field<number> = {
  says: "milliseconds, at most a day",
  parse: (value) => (typeof value === "number" ? integer("", 0, durationMsMax).parse(Math.round(value)) : undefined),
};

export function list<T>(field: Field<T>, max: number): Field<readonly T[]> {
  return {
    says: `at most ${max} of: ${field.says}`,
    parse(value) {
      if (!Array.isArray(value) || value.length > max) return undefined;
      const parsed = value.map(field.parse);
      return parsed.every((item) => item !== undefined) ? (parsed as T[]) : undefined;
    },
  };
}

/** A country as the edge says it; `XX` for anything else. */
export const knownCountry = (text: string): string => (refusalCountry.test(text) ? text : "XX");

export const address = matching("IPv4 or IPv6 address", /^[0-9A-Za-z:.%_-]{0,64}$/);
export const country = matching("ISO 3166 code, `T1` for Tor, `XX` for unknown", refusalCountry);
export const instant = matching("RFC 3339 UTC with milliseconds", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
export const endpoint = matching("the route's pattern, never the raw path", /^\/[\x21-\x7e]{0,255}$/);
export const method = matching("HTTP method", /^[A-Z]{3,7}$/);
export const problemCode = matching("stable problem code of the answer (`core/problem.ts`)", refusalWord);
export const count = integer("how many", 1, Number.MAX_SAFE_INTEGER);
