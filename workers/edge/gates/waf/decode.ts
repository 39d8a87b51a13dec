/**
 * One decoding each, as lenient as the most lenient of those who may read the text behind us. All are one
 * pass; what is not an encoding stays as it is.
 */

/** `%41`, `%u0041`. A run of bytes is read as UTF-8, overlong forms included: some decoders take them (CVE-2000-0884). */
export function decodePercent(text: string): string {
  if (!text.includes("%")) return text;
  return text
    .replace(/%u([0-9a-fA-F]{4})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => {
      if (run.length === 3) {
        const byte = Number.parseInt(run.slice(1), 16);
        return byte < 0x80 ? String.fromCharCode(byte) : "\ufffd";
      }
      const bytes = new Uint8Array(run.length / 3);
      for (let index = 0; index < bytes.length; index += 1)
        bytes[index] = Number.parseInt(run.slice(index * 3 + 1, index * 3 + 3), 16);
      return decodeUtf8Leniently(bytes);
    });
}

/** UTF-8 without the rule that the shortest form is the only one; a byte that begins nothing is U+FFFD. */
export function decodeUtf8Leniently(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] as number;
    const length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0;
    const code = length === 0 ? -1 : codePointAt(bytes, at, length);
    text += code === -1 || code > 0x10ffff ? "\ufffd" : String.fromCodePoint(code);
    at += code === -1 ? 1 : length;
  }
  return text;
}

function codePointAt(bytes: Uint8Array, at: number, length: number): number {
  let code = (bytes[at] as number) & (length === 1 ? 0x7f : 0xff >> (length + 1));
  for (let index = 1; index < length; index += 1) {
    const next = bytes[at + index];
    if (next === undefined || (next & 0xc0) !== 0x80) return -1;
    code = (code << 6) | (next & 0x3f);
  }
  return code;
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
  // Leading zeros have no limit in HTML; the digits that count do.
  return text
    .replace(/&#x0{0,16}([0-9a-f]{1,6});?/gi, (whole, hex: string) => fromCodePoint(Number.parseInt(hex, 16), whole))
    .replace(/&#0{0,16}([0-9]{1,7});?/g, (whole, digits: string) => fromCodePoint(Number(digits), whole))
    .replace(/&([a-z]{2,8});/gi, (whole, name: string) => namedEntities[name.toLowerCase()] ?? whole);
}

/** `\u003c`, `\u{3c}`, `\x3c`, `\74`, as scripts, shells and JSON write them. */
export function decodeEscapes(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(
    /\\(?:u([0-9a-f]{4})|u\{0{0,8}([0-9a-f]{1,6})\}|x([0-9a-f]{2})|0?([0-3]?[0-7]{2})(?![0-9]))/gi,
    (whole, four, braced, two, octal) =>
      octal === undefined
        ? fromCodePoint(Number.parseInt(four ?? braced ?? two, 16), whole)
        : // `\0` and `\000` end a string in prose about code; a NUL that counts is sent as itself.
          fromCodePoint(Number.parseInt(octal, 8) || 0x110000, whole),
  );
}

function fromCodePoint(code: number, otherwise: string): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : otherwise;
}
