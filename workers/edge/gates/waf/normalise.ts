/**
 * Undoes what hides an attack from a pattern: encodings, letter case, spacing, comments. Pure; every
 * step is one pass over the text.
 */

/** An attack that is wrapped more often than this would have to be unwrapped as often by what it attacks. */
export const roundsMax = 3;

/**
 * All readings of a text in which rules look: as it came, after each round of decoding, and the last one
 * without comments (which hide words from a pattern, or hide words that only look like comments).
 */
export function readings(text: string): string[] {
  const found = new Set<string>([fold(text)]);
  let current = text;
  for (let round = 0; round < roundsMax; round += 1) {
    const next = normaliseRound(current);
    found.add(next);
    if (next === current) break;
    current = next;
  }
  found.add(stripComments(current));
  return [...found];
}

/** One round: percent, HTML entities, backslash escapes, then case and spacing. */
export function normaliseRound(text: string): string {
  return fold(decodeEscapes(decodeEntities(decodePercent(text))));
}

/**
 * ASCII lower case, full-width forms as ASCII, invisible characters gone, each run of space one
 * character: a line feed if there was one in it, else a space.
 */
export function fold(text: string): string {
  return text
    .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replace(/[\u00ad\u200b-\u200d\u2060\ufeff]/g, "")
    .replace(/[\s\u0085]+/g, (run) => (/[\n\r\u2028\u2029]/.test(run) ? "\n" : " "));
}

const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** `%41`, `%u0041`; what is not valid stays as it is. A run of bytes is decoded as UTF-8. */
export function decodePercent(text: string): string {
  if (!text.includes("%")) return text;
  return text
    .replace(/%u([0-9a-fA-F]{4})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
      const bytes = new Uint8Array(run.length / 3);
      for (let index = 0; index < bytes.length; index += 1)
        bytes[index] = Number.parseInt(run.slice(index * 3 + 1, index * 3 + 3), 16);
      return decoder.decode(bytes);
    });
}

/** Those that stand for characters an attack needs; the other two thousand are letters and ornaments. */
const namedEntities: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  amp: "&",
  colon: ":",
  semi: ";",
  lpar: "(",
  rpar: ")",
  sol: "/",
  bsol: "\\",
  tab: "\t",
  newline: "\n",
  equals: "=",
  grave: "`",
  period: ".",
  dollar: "$",
  lcub: "{",
  lbrace: "{",
  rcub: "}",
  rbrace: "}",
  num: "#",
  percnt: "%",
  nbsp: " ",
  excl: "!",
  comma: ",",
  lsqb: "[",
  rsqb: "]",
  vert: "|",
};

/** `&lt;`, `&#60;`, `&#x3c;`; a browser takes the numeric ones without the semicolon too. */
export function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text
    .replace(/&#x([0-9a-f]{1,8});?/gi, (whole, hex: string) => fromCodePoint(Number.parseInt(hex, 16), whole))
    .replace(/&#([0-9]{1,8});?/g, (whole, digits: string) => fromCodePoint(Number(digits), whole))
    .replace(/&([a-z]{2,8});/gi, (whole, name: string) => namedEntities[name.toLowerCase()] ?? whole);
}

/** `\u003c`, `\u{3c}`, `\x3c`, as scripts and JSON write them. */
export function decodeEscapes(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\(?:u([0-9a-f]{4})|u\{([0-9a-f]{1,6})\}|x([0-9a-f]{2}))/gi, (whole, four, braced, two) =>
    fromCodePoint(Number.parseInt(four ?? braced ?? two, 16), whole),
  );
}

function fromCodePoint(code: number, otherwise: string): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : otherwise;
}

/**
 * Comments of SQL become a space, as a database reads them; a MySQL conditional comment (a `!` and a
 * version) becomes its content. Scans by hand: a pattern would try every opening to the end of the text.
 */
export function stripComments(text: string): string {
  let result = "";
  let at = 0;
  for (;;) {
    const open = text.indexOf("/*", at);
    const close = open === -1 ? -1 : text.indexOf("*/", open + 2);
    if (close === -1) return fold(result + text.slice(at));
    const inside = text.slice(open + 2, close);
    result += `${text.slice(at, open)} ${inside.startsWith("!") ? inside.replace(/^!\d{0,6}/, "") : ""} `;
    at = close + 2;
  }
}
