/** E-mail addresses and UPI's virtual payment addresses: both are somebody before an `@`. */
import { type Finding, unseen } from "./finding.ts";

/** RFC 5321 section 4.5.3.1: 64 octets before the `@`; UPI's own 256 are never used, but read. */
const localMax = 256;
/** … and 255 behind it. */
const domainMax = 255;

/** The sign as it is typed, of full width, small, and as an address of a web page holds it. */
const atSign = /[@\uFF20\uFE6B]|%40/g;
const localCharacter = new RegExp(`[\\p{L}\\p{M}\\p{N}!#$%&'*+/=?^_\`{|}~.\\-${unseen}]`, "u");
/** With the full stops that other scripts write (UTS 46 reads them as one). */
const domainCharacter = new RegExp(`[\\p{L}\\p{M}\\p{N}.\\-\\uFF0E\\u3002\\uFF61${unseen}]`, "u");
const dot = /[.\uFF0E\u3002\uFF61]/;
/** What may stand quoted before the sign: a name (RFC 5321 section 4.1.2), and no punctuation of JSON. */
const quotedName = /"[\p{L}\p{N}][^"\\\r\n]{0,62}[\p{L}\p{N}]"$/u;

/** Looks at each sign once, and at a bounded stretch to either side: linear whatever the text. */
export function findAddresses(text: string): Finding[] {
  const found: Finding[] = [];
  let taken = 0;
  for (const { index: at, 0: sign } of text.matchAll(atSign)) {
    const start = startOf(text, at, taken);
    const { from, end } = domainOf(text, at + sign.length);
    const domain = text.slice(from, end);
    if (start === at || domain.length < 2) continue;
    found.push({ start, end, kind: dot.test(domain) ? "EMAIL" : "UPI" });
    taken = end;
  }
  return found;
}

function startOf(text: string, at: number, taken: number): number {
  const quoted = text[at - 1] === '"' ? quotedName.exec(text.slice(Math.max(taken, at - 66), at)) : null;
  if (quoted !== null) return at - quoted[0].length;
  let start = at;
  while (start > taken && at - start < localMax && localCharacter.test(characterBefore(text, start))) {
    start -= characterBefore(text, start).length;
  }
  // Quotes and brackets around it belong to the sentence.
  while (start < at && /[!#$%&'*+/=?^`{|}~.-]/.test(text[start] ?? "")) start += 1;
  return start;
}

function domainOf(text: string, behind: number): { readonly from: number; readonly end: number } {
  // A line that was broken behind the sign, where a whole domain follows.
  const broken = /^\r?\n[ \t>]{0,8}(?=[\p{L}\p{N}-]{1,63}\.[\p{L}\p{N}])/u.exec(text.slice(behind, behind + 80));
  const from = behind + (broken?.[0].length ?? 0);
  let end = from;
  while (end < text.length && end - from < domainMax && domainCharacter.test(characterAt(text, end))) {
    end += characterAt(text, end).length;
  }
  // The full stop of the sentence, too.
  while (end > from && /[.-]/.test(text[end - 1] ?? "")) end -= 1;
  return { from, end };
}

function characterAt(text: string, index: number): string {
  return String.fromCodePoint(text.codePointAt(index) ?? 0);
}

function characterBefore(text: string, index: number): string {
  const low = text.charCodeAt(index - 1);
  const isLow = low >= 0xdc00 && low <= 0xdfff && index >= 2;
  return isLow ? text.slice(index - 2, index) : text.slice(index - 1, index);
}
