/** Codes of letters and digits: PAN (who pays taxes) and IFSC (which branch keeps the account). */
import { type Finding, type PersonalKind, unseen } from "./finding.ts";

/** Of the width of a letter of its own, or of full width. */
const letter = "[A-Za-z\\uFF21-\\uFF3A\\uFF41-\\uFF5A]";
const capital = "[A-Z\\uFF21-\\uFF3A]";
const digit = "[0-9\\uFF10-\\uFF19]";
/** What kind of person a PAN is of, its fourth letter says. */
const person = "[ABCFGHJKLPTabcfghjklpt\\uFF21-\\uFF23\\uFF26-\\uFF28\\uFF2A-\\uFF2C\\uFF30\\uFF34]";
const none = `${unseen}{0,4}`;
/** In groups, as forms print it. */
const parted = `(?:[ \\u00A0-]|${unseen}){0,4}`;

/** Each sign, with what nobody sees between them. */
const row = (...signs: readonly string[]): string => signs.join(none);
const times = (count: number, sign: string): readonly string[] => Array.from({ length: count }, () => sign);

/**
 * PAN: five letters, of which the fourth says what kind of person it is; four digits; a check letter whose rule is not
 * public. IFSC: the bank's four letters, a zero, the branch. In small letters too: that is how people type them; in
 * groups capitals alone, for `maths 1234 a` is a sentence.
 */
const codes: readonly (readonly [PersonalKind, RegExp])[] = [
  ["PAN", whole(row(...times(3, letter), person, letter, ...times(4, digit), letter))],
  ["PAN", whole([row(...times(3, capital), person, capital), row(...times(4, digit)), capital].join(parted))],
  ["IFSC", whole(row(...times(4, letter), "[0\\uFF10]", ...times(6, `(?:${letter}|${digit})`)))],
];

/** Not within a longer word. */
function whole(pattern: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{M}\\p{N}])${pattern}(?![\\p{L}\\p{M}\\p{N}])`, "gu");
}

/** Fixed lengths, so time is linear. */
export function findCodes(text: string): Finding[] {
  return codes.flatMap(([kind, pattern]) =>
    Array.from(text.matchAll(pattern), ({ index, 0: { length } }) => ({ start: index, end: index + length, kind })),
  );
}
