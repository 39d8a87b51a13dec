/** The words of HTML and XML. For searching: nothing of it is ever shown, and nothing is run. */

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

/** What ends a word in office files: paragraphs, breaks, tabs, cells and strings. Inside of a word there are runs. */
const wordEnd = /^\/?(\w+:)?(p|br|tab|tr|tc|cr|si|v|c|row|line-break|s|h|table-cell|text-box|list-item)$/;
/** What in HTML stands inside of a word. */
const inWord = /^\/?(a|abbr|b|em|font|i|mark|span|strong|sub|sup|u|wbr)$/i;

/**
 * Text without tags.
 * @param kind `office`: only what ends a word parts words; `html`: all but what stands inside of one does
 */
export function textOfMarkup(markup: string, kind: "html" | "office"): string {
  const pieces: string[] = [];
  let at = 0;
  while (at < markup.length) {
    const tag = markup.indexOf("<", at);
    pieces.push(unescaped(markup.slice(at, tag === -1 ? markup.length : tag)));
    if (tag === -1) break;
    const end = endOfTag(markup, tag, kind);
    const name = /^<([/\w:-]*)/.exec(markup.slice(tag, tag + 64))?.[1] ?? "";
    if (kind === "html" ? !inWord.test(name) : wordEnd.test(name)) pieces.push(" ");
    at = end;
  }
  return pieces.join("");
}

/** Just behind a tag; of comments, scripts and styles behind all of it. What doesn't end reaches to the end. */
function endOfTag(markup: string, tag: number, kind: "html" | "office"): number {
  const behind = (end: string, from = tag): number => {
    const at = markup.indexOf(end, from);
    return at === -1 ? markup.length : at + end.length;
  };
  if (markup.startsWith("<!--", tag)) return behind("-->");
  if (kind === "office" || !/^<(script|style)/i.test(markup.slice(tag, tag + 8))) return behind(">");
  const closing = /<\/(script|style)/gi;
  closing.lastIndex = tag;
  const found = closing.exec(markup);
  return found === null ? markup.length : behind(">", found.index);
}

function unescaped(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[String(name).toLowerCase()] ?? whole;
    const point = Number.parseInt(decimal ?? hex, decimal === undefined ? 16 : 10);
    return point > 0 && point <= 0x10_ffff ? String.fromCodePoint(point) : " ";
  });
}
