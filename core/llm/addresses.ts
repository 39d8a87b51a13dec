/** E-mail addresses and UPI's virtual payment addresses: both are somebody before an `@`. */
import type { Finding } from "./finding.ts";

/** RFC 5321 section 4.5.3.1: 64 octets before the `@`; UPI's own 256 are never used, but read. */
const localMax = 256;
/** … and 255 behind it. */
const domainMax = 255;

const localCharacter = /[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~.-]/u;
const domainCharacter = /[\p{L}\p{M}\p{N}.-]/u;

/** Looks at each `@` once, and at a bounded stretch to either side: linear whatever the text. */
export function findAddresses(text: string): Finding[] {
  const found: Finding[] = [];
  let taken = 0;
  for (let at = text.indexOf("@"); at !== -1; at = text.indexOf("@", at + 1)) {
    let start = at;
    while (start > taken && at - start < localMax && localCharacter.test(characterBefore(text, start))) {
      start -= characterBefore(text, start).length;
    }
    // Quotes and brackets around it belong to the sentence.
    while (start < at && /[!#$%&'*+/=?^`{|}~.-]/.test(text[start] ?? "")) start += 1;
    let end = at + 1;
    while (end < text.length && end - at <= domainMax && domainCharacter.test(characterAt(text, end))) {
      end += characterAt(text, end).length;
    }
    // The full stop of the sentence, too.
    while (end > at + 1 && /[.-]/.test(text[end - 1] ?? "")) end -= 1;
    const domain = text.slice(at + 1, end);
    if (start === at || domain.length < 2) continue;
    found.push({ start, end, kind: domain.includes(".") ? "EMAIL" : "UPI" });
    taken = end;
  }
  return found;
}

function characterAt(text: string, index: number): string {
  return String.fromCodePoint(text.codePointAt(index) ?? 0);
}

function characterBefore(text: string, index: number): string {
  const low = text.charCodeAt(index - 1);
  const isLow = low >= 0xdc00 && low <= 0xdfff && index >= 2;
  return isLow ? text.slice(index - 2, index) : text.slice(index - 1, index);
}
