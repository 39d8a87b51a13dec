/**
 * A tokeniser for what an injection makes of SQL: several dialects at once, never an error. The kinds are the
 * idea of libinjection (Galbreath, "libinjection: a C library for SQLi detection", Black Hat USA 2012): what
 * makes an injection is the order of kinds, not the words.
 */
export type SqlKind =
  | "number"
  | "string"
  /** A string whose quote never comes again: it leans on the one that follows the injected text. */
  | "open_string"
  | "variable"
  | "name"
  | "function"
  | "logic"
  | "compare"
  | "operator"
  | "statement"
  | "clause"
  | "union"
  | "null"
  | "comment"
  | "("
  | ")"
  | ","
  | ";"
  | "other"
  | "end";

export interface SqlToken {
  readonly kind: SqlKind;
  readonly text: string;
  /** Where in the text it begins, and where it ends. */
  readonly at: number;
  readonly end: number;
}

const words = new Map<string, SqlKind>();
const define = (kind: SqlKind, list: string): void => {
  for (const word of list.split(" ")) words.set(word, kind);
};
define("logic", "or and xor having where when rlike regexp div mod");
define("compare", "like ilike is in between glob match similar sounds");
define("operator", "not binary collate escape as");
define(
  "statement",
  "select insert update delete drop create alter truncate exec execute declare waitfor shutdown copy call merge replace grant revoke backup restore load handler begin",
);
define("clause", "order group limit offset procedure into from for window fetch");
define("union", "union intersect except minus");
define("null", "null true false");

/** The token at a place of lower-case text, after spaces; `end` past the last. Each character is read once. */
export function sqlTokenAt(text: string, from: number): SqlToken {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at += 1;
  const code = text.charCodeAt(at);
  if (Number.isNaN(code)) return { kind: "end", text: "", at, end: at };
  const make = (kind: SqlKind, end: number): SqlToken => ({ kind, text: text.slice(at, end), at, end });
  if (isWordStart(code)) return word(text, at, make);
  if (isDigit(code) || (code === 0x2e && isDigit(text.charCodeAt(at + 1)))) return make("number", numberEnd(text, at));
  switch (code) {
    case 0x27:
    case 0x22:
    case 0x60: {
      const close = text.indexOf(text[at] as string, at + 1);
      return close === -1 ? make("open_string", text.length) : make("string", close + 1);
    }
    case 0x28:
      return make("(", at + 1);
    case 0x29:
      return make(")", at + 1);
    case 0x2c:
      return make(",", at + 1);
    case 0x3b:
      return make(";", at + 1);
    case 0x23:
      return make("comment", at + 1);
    case 0x40:
      return make("variable", wordEnd(text, text.charCodeAt(at + 1) === 0x40 ? at + 2 : at + 1));
    default:
      return punctuation(text, at, code, make);
  }
}

type Make = (kind: SqlKind, end: number) => SqlToken;

function word(text: string, at: number, make: Make): SqlToken {
  const end = wordEnd(text, at);
  const kind = words.get(text.slice(at, end));
  // MOD is an operator and a function.
  if (kind !== undefined && !(kind === "logic" && text[end] === "(" && text.slice(at, end) === "mod"))
    return make(kind, end);
  let after = end;
  while (isSpace(text.charCodeAt(after))) after += 1;
  return make(text.charCodeAt(after) === 0x28 ? "function" : "name", end);
}

function punctuation(text: string, at: number, code: number, make: Make): SqlToken {
  const two = text.slice(at, at + 2);
  if (two === "--" || two === "/*") return make("comment", at + 2);
  if (two === "||" || two === "&&") return make("logic", at + 2);
  if (
    two === "<=" ||
    two === ">=" ||
    two === "<>" ||
    two === "!=" ||
    two === "==" ||
    two === ":=" ||
    two === "!<" ||
    two === "=~"
  )
    return make("compare", text.startsWith("<=>", at) ? at + 3 : at + 2);
  if (code === 0x3d || code === 0x3c || code === 0x3e) return make("compare", at + 1);
  if (code === 0x7c || code === 0x26) return make("logic", at + 1);
  // A percent sign before two hex digits is an encoding that another reading decodes.
  if (code === 0x25 && /^[0-9a-f]{2}/.test(text.slice(at + 1, at + 3))) return make("other", at + 3);
  return make("+-*/%^~!".includes(text[at] as string) ? "operator" : "other", at + 1);
}

function numberEnd(text: string, at: number): number {
  let end = at;
  // 0x1f, 1e5, 1.5; letters that follow are part of it, so that `5th` is not a number followed by a word.
  while (isWordPart(text.charCodeAt(end)) || (text.charCodeAt(end) === 0x2e && isDigit(text.charCodeAt(end + 1))))
    end += 1;
  return end;
}

function wordEnd(text: string, at: number): number {
  let end = at;
  while (isWordPart(text.charCodeAt(end)) || (text.charCodeAt(end) === 0x2e && isWordStart(text.charCodeAt(end + 1))))
    end += 1;
  return end;
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0b || code === 0x00;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isWordStart = (code: number): boolean => (code >= 0x61 && code <= 0x7a) || code === 0x5f || code > 0x7f;
const isWordPart = (code: number): boolean => isWordStart(code) || isDigit(code) || code === 0x24;
