/** Numbers that say who somebody is: cards, Aadhaar and telephones, however they are spaced and in whichever script's digits. */
import { luhnHolds, verhoeffHolds } from "./checksums.ts";
import { type Finding, type PersonalKind, unseen } from "./finding.ts";

/**
 * The zeros of every script that Unicode knows (17.0; general category Nd): each is followed by its 1–9. A model reads
 * all of them, so all of them are read here.
 */
const zeros = [
  0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
  0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
  0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0,
  0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50,
  0x11da0, 0x11de0, 0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec,
  0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
] as const;
const values: ReadonlyMap<number, number> = new Map(
  zeros.flatMap((zero) => Array.from({ length: 10 }, (_, value) => [zero + value, value] as const)),
);

/** The longest card number (ISO/IEC 7812-1). */
const digitsMax = 19;
/** Marks between two digits of one number: "+91 (98765) - 43210" has four. */
const gapMax = 4;
/** … and what nobody sees between them, which is no mark. */
const unseenMax = 16;

interface Digit {
  readonly value: number;
  /** In UTF-16 code units. */
  readonly length: 1 | 2;
}

/** @returns null for what is no digit */
function digitAt(text: string, index: number): Digit | null {
  const character = text.codePointAt(index) ?? 0;
  const value = values.get(character);
  return value === undefined ? null : { value, length: character > 0xffff ? 2 : 1 };
}

/** True where the character that ends there is a digit. */
function isDigitBefore(text: string, index: number): boolean {
  const low = text.charCodeAt(index - 1);
  return digitAt(text, low >= 0xdc00 && low <= 0xdfff ? index - 2 : index - 1) !== null;
}

/** Spaces of any width, hyphens, dots and brackets; line ends too, for lines are broken within numbers ({@link brokenNumbers}). */
const gap = /[\s.()\uFF08\uFF09\uFF0E\p{Pd}]/u;
const unseenCharacter = new RegExp(unseen, "u");
/** What each of ASCII's characters is, looked up: most texts are of these, and each digit asks for several. */
const asciiGaps: readonly boolean[] = Array.from({ length: 128 }, (_, code) => gap.test(String.fromCharCode(code)));

function isGap(text: string, index: number): boolean {
  return asciiGaps[text.charCodeAt(index)] ?? gap.test(text[index] ?? "x");
}

/** Where what parts two digits ends. */
function behindGap(text: string, from: number): number {
  let at = from;
  let marks = 0;
  for (; at - from < gapMax + unseenMax; at += 1) {
    if (isGap(text, at)) {
      if (marks === gapMax) break;
      marks += 1;
    } else if (text.charCodeAt(at) < 0x80 || !unseenCharacter.test(text[at] ?? "x")) break;
  }
  return at;
}

interface Run {
  /** Its digits, as ASCII. */
  readonly digits: string;
  /** For each digit, the index behind it. */
  readonly ends: readonly number[];
  /** For each digit, true when the next character is no digit: a number may end there. */
  readonly mayEnd: readonly boolean[];
}

/** Digits from `start`, at most 19, over the gaps between them. */
function runFrom(text: string, start: number): Run {
  let digits = "";
  const ends: number[] = [];
  const mayEnd: boolean[] = [];
  let at = start;
  while (digits.length < digitsMax) {
    const digit = digitAt(text, at);
    if (digit === null) break;
    digits += digit.value;
    at += digit.length;
    ends.push(at);
    mayEnd.push(digitAt(text, at) === null);
    at = behindGap(text, at);
  }
  return { digits, ends, mayEnd };
}

/** Numbers in the order in which they are tried at one place: the longest and surest first. */
function kindOf(digits: string, international: boolean): PersonalKind | null {
  const length = digits.length;
  if (length >= 13 && !digits.startsWith("0") && luhnHolds(digits)) return "CARD";
  if (length === 12 && /^[2-9]/.test(digits) && verhoeffHolds(digits)) return "AADHAAR";
  return isTelephone(digits, international) ? "PHONE" : null;
}

/**
 * Mobiles (10 digits from 6 on), with the trunk's 0, 91 or 0091; land lines with the trunk's 0 (area and subscriber are
 * 10 digits together); and after a `+` whatever E.164 allows.
 */
function isTelephone(digits: string, international: boolean): boolean {
  if (international) return /^[1-9][0-9]{7,14}$/.test(digits);
  return /^(?:0|91|0091)?[6-9][0-9]{9}$/.test(digits) || /^0[1-8][0-9]{9}$/.test(digits) || isDialled(digits);
}

/** Another country's, with the 00 that is dialled instead of a `+`. */
const isDialled = (digits: string): boolean => /^00[1-9][0-9]{9,12}$/.test(digits);

/** The shortest that is looked for: E.164's, after a `+`. */
const digitsMin = 8;

/** At most one finding a place, none overlapping; time is linear in the text, times 19 digits. */
export function findNumbers(text: string): Finding[] {
  const found: Finding[] = [];
  for (let at = 0; at < text.length; at += 1) {
    // Only where a row of digits begins: the middle of a longer one is another number.
    if (digitAt(text, at) === null || isDigitBefore(text, at)) continue;
    const finding = numberAt(text, at);
    if (finding === null) continue;
    found.push(finding);
    at = finding.end - 1;
  }
  return found;
}

const lineEnd = /[\r\n\u2028\u2029]/;
/** How many digits a number has in each group where it may go on in the next line. A column of dates or figures is none. */
const brokenNumbers: Partial<Readonly<Record<PersonalKind, RegExp>>> = {
  PHONE: /^(?:[1-4] )?(?:10|5 5|4 6|3 3 4|2 8|3 7|2 4 4|3 4 4)$/,
  AADHAAR: /^4 4 4$/,
  CARD: /^4 (?:4 4 4|6 5)$/,
};

/** `5 5` of "98765 43210". */
function groupsOf({ mayEnd }: Run, length: number): string {
  const ends = mayEnd.slice(0, length).flatMap((isEnd, index) => (isEnd ? [index + 1] : []));
  return ends.map((end, index) => end - (ends[index - 1] ?? 0)).join(" ");
}

function numberAt(text: string, at: number): Finding | null {
  const before = /[+\uFF0B]\(?$/.exec(text.slice(Math.max(0, at - 2), at))?.[0] ?? "";
  const run = runFrom(text, at);
  for (let length = run.digits.length; length >= digitsMin; length -= 1) {
    if (run.mayEnd[length - 1] !== true) continue;
    const kind = kindOf(run.digits.slice(0, length), before !== "");
    const end = run.ends[length - 1];
    if (kind === null || end === undefined) continue;
    if (lineEnd.test(text.slice(at, end)) && !brokenNumbers[kind]?.test(groupsOf(run, length))) continue;
    return { start: kind === "PHONE" ? at - before.length : at, end, kind };
  }
  return null;
}
