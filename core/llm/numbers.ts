/** Numbers that say who somebody is: cards, Aadhaar and telephones, however they are spaced and in whichever script's digits. */
import { luhnHolds, verhoeffHolds } from "./checksums.ts";
import type { Finding, PersonalKind } from "./finding.ts";

/** The zeros of the scripts that India writes (its nine, Latin, Arabic and Persian), and of full width; each is followed by its 1–9. */
const zeros = [0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xff10] as const;

/** The longest card number (ISO/IEC 7812-1). */
const digitsMax = 19;
/** Marks between two digits of one number: "+91 (98765) - 43210" has four. */
const gapMax = 4;

/** @returns 0–9, or null for what is no digit */
function digitAt(text: string, index: number): number | null {
  const unit = text.charCodeAt(index);
  for (const zero of zeros) if (unit >= zero && unit <= zero + 9) return unit - zero;
  return null;
}

/** Spaces (not line ends), hyphens, dots, brackets, and what is written without width. */
const gap = /[ \t\u00A0\u2000-\u200D\u202F\u2060\uFEFF\-\u2010-\u2015.()]/;

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
    digits += digit;
    at += 1;
    ends.push(at);
    mayEnd.push(digitAt(text, at) === null);
    let next = at;
    while (next - at < gapMax && gap.test(text[next] ?? "x")) next += 1;
    at = next;
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
  return /^(?:0|91|0091)?[6-9][0-9]{9}$/.test(digits) || /^0[1-8][0-9]{9}$/.test(digits);
}

/** The shortest that is looked for: E.164's, after a `+`. */
const digitsMin = 8;

/** At most one finding a place, none overlapping; time is linear in the text, times 19 digits. */
export function findNumbers(text: string): Finding[] {
  const found: Finding[] = [];
  for (let at = 0; at < text.length; at += 1) {
    // Only where a row of digits begins: the middle of a longer one is another number.
    if (digitAt(text, at) === null || (at > 0 && digitAt(text, at - 1) !== null)) continue;
    const finding = numberAt(text, at);
    if (finding === null) continue;
    found.push(finding);
    at = finding.end - 1;
  }
  return found;
}

function numberAt(text: string, at: number): Finding | null {
  const before = /[+\uFF0B]\(?$/.exec(text.slice(Math.max(0, at - 2), at))?.[0] ?? "";
  const run = runFrom(text, at);
  for (let length = run.digits.length; length >= digitsMin; length -= 1) {
    if (run.mayEnd[length - 1] !== true) continue;
    const kind = kindOf(run.digits.slice(0, length), before !== "");
    const end = run.ends[length - 1];
    if (kind === null || end === undefined) continue;
    return { start: kind === "PHONE" ? at - before.length : at, end, kind };
  }
  return null;
}
