/** Codes of letters and digits: PAN (who pays taxes) and IFSC (which branch keeps the account). */
import { type Finding, isWordCharacter, type PersonalKind } from "./finding.ts";

/**
 * PAN: five letters, of which the fourth says what kind of person it is; four digits; a check letter whose rule is not
 * public. IFSC: the bank's four letters, a zero, the branch.
 */
const codes: readonly (readonly [PersonalKind, RegExp])[] = [
  ["PAN", /[A-Z]{3}[ABCFGHJKLPT][A-Z][0-9]{4}[A-Z]/gi],
  ["IFSC", /[A-Z]{4}0[A-Z0-9]{6}/gi],
];

/** Fixed lengths, so time is linear. In small letters too: that is how people type them. */
export function findCodes(text: string): Finding[] {
  const found: Finding[] = [];
  for (const [kind, pattern] of codes) {
    for (const match of text.matchAll(pattern)) {
      const [start, end] = [match.index, match.index + match[0].length];
      if (isWordCharacter(text[start - 1]) || isWordCharacter(text[end])) continue;
      found.push({ start, end, kind });
    }
  }
  return found;
}
