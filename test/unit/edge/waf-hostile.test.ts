import { expect, it } from "vitest";
import { decide } from "../../../workers/edge/gates/waf/decide.ts";
import { scanHtml } from "../../../workers/edge/gates/waf/detectors/html.ts";
import { scanShell } from "../../../workers/edge/gates/waf/detectors/shell.ts";
import { scanSql } from "../../../workers/edge/gates/waf/detectors/sql.ts";

/** Pieces that begin something a reader would look for the end of; repeated, they make a slow reader quadratic. */
const pieces = [
  ...[
    "'",
    '"',
    "`",
    "<",
    "<a ",
    "<a b=",
    "<a b='",
    "(",
    "((",
    ";",
    "; ",
    "|",
    "&",
    "$(",
    "${",
    "{{",
    "{%",
    "<%",
    "../",
    "/",
    "\\",
    "/*",
    "*/",
    "/**/",
  ],
  ...[
    "--",
    "%",
    "%25",
    "&#",
    "\\u00",
    "or 1=1 ",
    "' or ",
    "union ",
    "union select ",
    "select a,",
    "; select ",
    "(select ",
    "\n",
    "\r\n",
    " onload=",
    "javascript:",
  ],
  ...[
    "data:text/html,",
    "x`",
    "```\n",
    "`a`",
    ";id",
    "{a,b}",
    "![]+",
    "a[",
    "<!--",
    "<!doctype ",
    "${${",
    "eval(",
    "http://",
    "O:1:",
    "' ' ",
    "<style>",
    "[[",
    "é",
    "ﬁ",
    "\u200b",
  ],
];
const bytes = 128 * 1024;

/**
 * 128 kB of each: a reader that looks ahead to the end from every place takes 10¹⁰ steps a piece, and the
 * test runner's own patience ends long before.
 */
it.each(pieces)("is through with 128 kB of %j", (piece) => {
  const text = `x${piece.repeat(Math.ceil(bytes / piece.length))}`;
  const headers = new Headers();
  for (const value of [{ a: text }, { a: `${text}y` }])
    expect(
      decide({ rawPath: "/", rawQuery: null, headers, body: { kind: "json", value }, exemptions: [] }),
    ).toHaveProperty("allowed");
  for (const scan of [scanSql, scanHtml, scanShell]) expect(scan(text)).toBeGreaterThanOrEqual(0);
});
