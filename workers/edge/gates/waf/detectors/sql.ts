import { type SqlToken, sqlTokenAt } from "./sql-tokens.ts";
import { sqlFunctions, statement } from "./sql-words.ts";

/** What the scanner found, as bits: one for each rule that asks. */
export const sqlSigns = {
  /** A literal or number ends and a condition follows. */
  condition: 1,
  /** The same, and it could be prose. */
  weakCondition: 2,
  /** A literal ends and a comment swallows the rest. */
  comment: 4,
  union: 8,
  stacked: 16,
  /** A literal or number ends and ORDER BY 3, LIMIT 1,1, PROCEDURE or a list of values follows. */
  clause: 32,
  /** A literal is continued by an operator and a subquery or a call. */
  expression: 64,
} as const;

/** Quotes that are tried as the end of a literal; a payload's own comes early. */
const closingsMax = 24;

/**
 * Reads lower-case text in three contexts, as libinjection does: as what follows a number, and as what is
 * inside a literal of either quote. Linear: each context reads a bounded number of tokens at each quote.
 */
export function scanSql(text: string): number {
  let signs = scanNumberContext(text);
  for (const quote of ["'", '"'] as const) {
    // Inside a literal every other quote ends one.
    let at = text.indexOf(quote);
    for (let tries = 0; at !== -1 && tries < closingsMax; tries += 1) {
      signs |= afterLiteral(text, skipClosing(text, at + 1, quote), quote);
      const open = text.indexOf(quote, at + 1);
      at = open === -1 ? -1 : text.indexOf(quote, open + 1);
    }
  }
  return signs | scanStacked(text) | scanUnion(text);
}

/** Text that begins as a number or one short word does and goes on as an expression. */
function scanNumberContext(text: string): number {
  if (/^\s?(?:order\s|group\s|\(\s?select|and[\s(!]|x?or[\s(!]|having[\s(!]|\|\||&&)/.test(text))
    return scanHeadless(text);
  const lead =
    /^[\s(+-]{0,4}(?:\d{1,20}(?:\.\d{1,9})?|[a-z_][a-z0-9_]{0,15}|[)%*]|null)?[%\s]{0,3}/.exec(text)?.[0] ?? "";
  if (lead.trim() === "") return 0;
  const numeric = /^[\s(+-]{0,4}\d/.test(lead) || /[)%*]$/.test(lead.trim());
  return afterLiteral(text, skipClosing(text, lead.length, null), numeric ? "number" : "word");
}

/** Text that goes on with what stands before it on the server. */
function scanHeadless(text: string): number {
  if (/^\s?(?:order|group)\sby\s\d{1,3}\s?(?:--|#)/.test(text)) return sqlSigns.clause;
  if (/^\s?\(\s?select\s?\(?(?:count\s?\(|\*|\d|'|0x|@@|case\b|[a-z_]{1,30}\s?\()/.test(text) && /\bfrom\b/.test(text))
    return sqlSigns.expression;
  return /^\s?(?:and|or|having|\|\||&&|xor)[\s(!]/.test(text) ? afterLiteral(text, 0, null) : 0;
}

/** Past `)`, spaces, `%` of a LIKE, and what else closes around a literal: another quote, `]`. */
function skipClosing(text: string, from: number, quote: string | null): number {
  let at = from;
  for (let left = 12; left > 0; left -= 1) {
    const character = text[at];
    if (character === ")" || character === " " || character === "\n" || character === "\0") at += 1;
    else if (quote !== null && (character === quote || character === "]") && text[at + 1] !== undefined) at += 1;
    else break;
  }
  return at;
}

type Context = "'" | '"' | "number" | "word" | null;

/** Judges what stands where a literal has just ended. */
function afterLiteral(text: string, from: number, context: Context): number {
  const first = sqlTokenAt(text, from);
  switch (first.kind) {
    case "logic":
      return judgeCondition(text, first, context);
    case "compare":
    case "operator":
    case ",":
      return judgeExpression(text, first, context);
    case "comment":
      return context === "word" || context === null ? 0 : judgeComment(text, first, context);
    case ";":
      return isQuote(context) &&
        /^[\s;]{0,3}(?:--|#|\/\*|\0)[\s-]{0,3}\w{0,4}$/.test(text.slice(first.end, first.end + 20))
        ? sqlSigns.comment
        : 0;
    case "clause":
      return judgeClause(text, first, context);
    case "union":
      return isSelectAfterUnion(text, first.end) && context !== "word" ? sqlSigns.union : 0;
    default:
      return 0;
  }
}

const isQuote = (context: Context): boolean => context === "'" || context === '"';

/** `or 1=1`, `and sleep(5)`, `|| (select …)`, `having 1=1`, `or 'a'='a`. */
function judgeCondition(text: string, logic: SqlToken, context: Context): number {
  const token = tokenPast(text, logic.end, 8, standsBeforeOperand);
  // A pipe or ampersand alone also separates commands and columns: it needs a query behind it.
  const bitwise = logic.text === "|" || logic.text === "&";
  const wordy = logic.text === "where" || logic.text === "when" || logic.text === "div" || logic.text === "mod";
  if (token.kind === "statement" && token.text === "select" && isSelectBody(text, token.end)) return sqlSigns.condition;
  if (token.kind === "function") return judgeCall(token, bitwise, context);
  if (bitwise && !isQuote(context)) return 0;
  const next = sqlTokenAt(text, token.end);
  switch (token.kind) {
    case "number":
    case "null":
    case "variable":
      if (next.kind === "compare" || (next.kind === "operator" && next.text !== "as"))
        return isOperand(text, next) && !(wordy && context === "word") && (isQuote(context) || endsLikeCode(text, next))
          ? isQuote(context) || !isSum(text, token, next)
            ? conditionIn(context, token)
            : sqlSigns.weakCondition
          : 0;
      if (next.kind === "comment" && isSwallowing(text, next)) return sqlSigns.condition;
      if (next.kind === "end" || next.kind === "open_string")
        return isQuote(context) || context === "number"
          ? sqlSigns.weakCondition | (isQuote(context) && logic.text !== "and" ? sqlSigns.condition : 0)
          : 0;
      return next.kind === ")" && context !== "word" ? sqlSigns.weakCondition : 0;
    case "string":
    case "open_string":
      if (next.kind === "compare" || next.kind === "operator")
        return isOperand(text, next) || next.end >= text.length - 1 ? conditionIn(context, token) : 0;
      if (logic.text === "||" && isQuote(context)) return sqlSigns.expression;
      return /^['"][\w%-]{0,24}$/.test(token.text) && isQuote(context) && logic.text !== "and" ? sqlSigns.condition : 0;
    case "name":
      return judgeNamed(text, next, context);
    default:
      return 0;
  }
}

/** The first token from a place on that `skips` does not take; past at most so many that it does. */
function tokenPast(text: string, from: number, most: number, skips: (token: SqlToken) => boolean): SqlToken {
  let token = sqlTokenAt(text, from);
  for (let left = most; left > 0 && skips(token); left -= 1) token = sqlTokenAt(text, token.end);
  return token;
}

/** What may stand before an operand: a sign, a negation, an opening bracket. */
const standsBeforeOperand = ({ kind, text }: SqlToken): boolean =>
  (kind === "operator" && !"%*/^as".includes(text)) || kind === "(" || text === "exists";
const isOperatorOrOpening = ({ kind }: SqlToken): boolean => kind === "operator" || kind === "(";
const isCompareOrOpening = (token: SqlToken): boolean => isOperatorOrOpening(token) || token.kind === "compare";

/** `2 and 2 = 4`, as people write sums: small numbers that differ, with spaces. */
function isSum(text: string, operand: SqlToken, compare: SqlToken): boolean {
  const right = sqlTokenAt(text, compare.end);
  return (
    operand.text.length === 1 &&
    right.text.length === 1 &&
    operand.text !== right.text &&
    text[compare.at - 1] === " " &&
    text[compare.end] === " "
  );
}

/** After one word, `or 1=1` is as likely a sentence; after a number or a literal it isn't. */
const conditionIn = (context: Context, operand: SqlToken): number =>
  context === "word" && operand.kind !== "string" && operand.kind !== "open_string"
    ? sqlSigns.weakCondition
    : sqlSigns.condition;

function judgeCall(call: SqlToken, bitwise: boolean, context: Context): number {
  if (!sqlFunctions.test(call.text)) return isQuote(context) && !bitwise ? sqlSigns.weakCondition : 0;
  return context === "word" ? sqlSigns.weakCondition : sqlSigns.condition;
}

/** A name compared to something: code says that too, so the literal's end must be left dangling. */
function judgeNamed(text: string, next: SqlToken, context: Context): number {
  if (next.kind !== "compare") return 0;
  // `is not null`, `not in (`
  const value = tokenPast(text, next.end, 3, isOperatorOrOpening);
  if (!isQuote(context))
    return value.kind === "number" || value.kind === "string" ? (context === "number" ? sqlSigns.weakCondition : 0) : 0;
  if (value.kind === "open_string" && value.text.length < 40) return sqlSigns.condition;
  if (value.kind === "name") {
    const after = sqlTokenAt(text, value.end);
    return after.kind === "comment" && isSwallowing(text, after) ? sqlSigns.condition : 0;
  }
  if (
    value.kind !== "string" &&
    value.kind !== "number" &&
    value.kind !== "null" &&
    value.kind !== "function" &&
    value.text !== "select"
  )
    return 0;
  const tail = sqlTokenAt(text, value.end);
  return tail.kind === "end" ||
    tail.kind === ";" ||
    (tail.kind === "comment" && isSwallowing(text, tail)) ||
    tail.kind === "logic" ||
    value.text === "select"
    ? sqlSigns.condition
    : sqlSigns.weakCondition;
}

/** A log-in bypass is all there is of its text. */
const bypassCharactersMax = 32;

/** `'+(select …)`, `'-sleep(5)`, `'='`, `,(select …)`, `', 'owner')--`. */
function judgeExpression(text: string, first: SqlToken, context: Context): number {
  const token = tokenPast(text, first.end, 8, isOperatorOrOpening);
  if (token.text === "select" && isSelectBody(text, token.end)) return sqlSigns.expression;
  if (token.text === "case") return /^\s?when\b/.test(text.slice(token.end, token.end + 8)) ? sqlSigns.expression : 0;
  if (token.kind === "function")
    return sqlFunctions.test(token.text) && context !== "word" && (isQuote(context) || first.kind !== ",")
      ? isQuote(context) && first.kind !== ","
        ? sqlSigns.expression
        : sqlSigns.weakCondition
      : 0;
  if (context === "number" && first.kind === "compare" && token.kind === "number") {
    const logic = sqlTokenAt(text, token.end);
    if (logic.kind === "logic") return judgeCondition(text, logic, context);
  }
  if (!isQuote(context) || first.kind === ",") return isQuote(context) ? judgeValues(text, first.end) : 0;
  // The whole of a log-in bypass: '=' or '-'0 and the like.
  const end = token.kind === "end" ? token : sqlTokenAt(text, token.end);
  const bypass = token.kind === "open_string" && text.length < bypassCharactersMax;
  if (bypass || (token.kind === "string" && end.kind === "end" && text.length < 24)) return sqlSigns.expression;
  return first.kind === "compare" && token.kind === "number" && (end.kind === "end" || end.kind === "comment")
    ? sqlSigns.weakCondition
    : 0;
}

/** Further values of an INSERT, then a comment: `', 1, 'owner')-- `. */
function judgeValues(text: string, from: number): number {
  let token = sqlTokenAt(text, from);
  for (let left = 24; left > 0; left -= 1) {
    if (token.kind === "comment") return isSwallowing(text, token) ? sqlSigns.clause : 0;
    if (
      !["string", "number", "null", ",", ")", "function", "(", "variable", ";", "compare", "name"].includes(token.kind)
    )
      return 0;
    token = sqlTokenAt(text, token.end);
  }
  return 0;
}

function judgeComment(text: string, comment: SqlToken, context: Context): number {
  if (!isSwallowing(text, comment)) return 0;
  if (context === "number") return comment.text === "#" || comment.text === "/*" ? 0 : sqlSigns.weakCondition;
  return sqlSigns.comment;
}

/** A comment opener with nothing that matters behind it: what follows the payload is what it swallows. */
function isSwallowing(text: string, comment: SqlToken): boolean {
  const rest = text.slice(comment.end, comment.end + 16);
  return /^[\s+-]{0,4}(?:[a-z0-9'"`)&|]{0,6}|&[\w=&%.]{1,14})\s?$/.test(rest) && text.length - comment.end < 16;
}

function judgeClause(text: string, clause: SqlToken, context: Context): number {
  const rest = text.slice(clause.end, clause.end + 48);
  const sure = context === "word" ? 0 : sqlSigns.clause;
  if (clause.text === "order" || clause.text === "group")
    return /^\sby\s(?:\d{1,3}\s?(?:$|--|#|,|\/\*|;|\)|asc|desc|having)|\(?(?:select|case|sleep|if)\b|[a-z_.]{1,40}\s?(?:--|#))/.test(
      rest,
    )
      ? sure
      : 0;
  if (clause.text === "limit")
    return /^\s\d{1,6}(?:\s?,\s?\d{1,6}|\soffset\s\d{1,6})?\s?(?:--|#|union|into|procedure|;)/.test(rest) ? sure : 0;
  if (clause.text === "procedure") return /^\sanalyse\s?\(/.test(rest) ? sqlSigns.clause : 0;
  if (clause.text === "into") return /^\s(?:out|dump)file\b/.test(rest) ? sqlSigns.clause : 0;
  return 0;
}

/** Something that can be compared to. */
function isOperand(text: string, operator: SqlToken): boolean {
  const token = tokenPast(text, operator.end, 6, isCompareOrOpening);
  return (
    ["number", "string", "open_string", "null", "variable", "function"].includes(token.kind) || token.text === "select"
  );
}

/** Whether a comparison's right side is followed by more of a query, not by words. */
function endsLikeCode(text: string, compare: SqlToken): boolean {
  const token = tokenPast(text, compare.end, 6, isOperatorOrOpening);
  const tail = sqlTokenAt(text, token.end).kind;
  return token.kind === "function" || token.kind === "statement" || (tail !== "name" && tail !== "other");
}

/** What only a select list begins with; `select a school from the list` has none of it. */
function isSelectBody(text: string, from: number): boolean {
  return /^[\s(]{0,4}(?:(?:all|distinct|top\s?\(?\d{1,4}\)?)\s)?(?:\d{1,9}(?:\s?(?:,|--|#|;|\)|\/\*|$)|\s(?:from|where|union|limit|order|into)\b)|0x[0-9a-f]|'|"|\*|@|null\b|[a-z0-9_.]{1,40}\s?\(|[a-z0-9_.`"]{1,40}(?:\s?,\s?[a-z0-9_.`"*@(]{1,40}){0,20}\sfrom\s?[a-z0-9_.`"(]{1,60}|case\swhen\b|char\b|\(?select\b|-?\d{1,9}[*+/-]|[a-z_]{1,30}\s?(?:[+|*/]|,\s?(?:[a-z_]{1,30}\s?(?:--|#|\/\*)|null\b|\d{1,2}\s?(?:,|--|#|$|from\b)|'|0x|@@|[a-z_]{1,30}\()))/.test(
    text.slice(from, from + 240),
  );
}

function isSelectAfterUnion(text: string, from: number): boolean {
  return /^[\s(]{0,3}(?:(?:all|distinct|distinctrow)[\s(]{0,3})?(?:select|values)\b/.test(text.slice(from, from + 32));
}

function scanUnion(text: string): number {
  for (
    let at = text.indexOf("union"), tries = 0;
    at !== -1 && tries < closingsMax;
    at = text.indexOf("union", at + 5), tries += 1
  ) {
    const body = /^union[\s(]{0,3}(?:(?:all|distinct|distinctrow)[\s(]{0,3})?select\b/.exec(
      text.slice(at, at + 40),
    )?.[0];
    if (body !== undefined && isSelectBody(text, at + body.length)) return sqlSigns.union;
  }
  return 0;
}

/** A second statement behind a semicolon whose first part is no statement itself: a script's parts all are. */
function scanStacked(text: string): number {
  for (
    let at = text.indexOf(";"), tries = 0;
    at !== -1 && tries < closingsMax;
    at = text.indexOf(";", at + 1), tries += 1
  ) {
    const found = statement.exec(text.slice(at + 1, at + 200));
    if (found === null) continue;
    if (found[0].trim() === "select" && !isSelectBody(text, at + 1 + found[0].length)) continue;
    if (
      !/(?:^|[;`\n])\s?(?:select|insert|update|delete|create|drop|alter|begin|set|use|with|grant|commit|truncate|explain|pragma)\s[^;]{0,400}$/.test(
        text.slice(Math.max(0, at - 420), at),
      )
    )
      return sqlSigns.stacked;
  }
  return 0;
}
