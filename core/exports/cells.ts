/** Cells of a table, and what of them a spreadsheet program would take for something to run. */

/** A value as its source has it. */
export type CellValue = string | number | boolean | null | readonly string[] | Readonly<Record<string, unknown>>;
/** … as a table has it. */
export type Cell = string | number | boolean | null;

/** What programs drop in front of a cell before they look at it: spaces of every kind, controls, marks without width. */
const dropped = String.raw`\p{White_Space}\p{Cc}\p{Cf}`;
/** `=`, `+`, `-`, `@`, and every form of them that compatibility folds into them: full-width, small, raised, lowered. */
const formula = String.raw`[=+\-@\uFF1D\uFF0B\uFF0D\uFF20\uFE66\uFE62\uFE63\uFE6B\u207A\u207B\u207C\u208A\u208B\u208C]`;

/**
 * What begins a formula, or makes a program look for one (OWASP, "CSV Injection"; ASVS 1.2.10): those, a tab or a
 * line's end.
 */
const formulaStart = new RegExp(`^[${dropped}]*(?:${formula}|[\\t\\r\\n])`, "u");

/**
 * Where another cell begins for a program that cuts at something else than we do. Quotes don't hold there: Excel, where
 * the country's separator is a semicolon, takes a quote for one only at the beginning of what it takes for a cell, and
 * that is our line. Runs are taken whole, so that a long one is looked at once.
 */
const runs = new RegExp(`([;${dropped}]+)(${formula})?`, "gu");
const cutsCells = /[;\t\r\n]/;

/**
 * A text that no spreadsheet program runs: behind an apostrophe if it could be taken for a formula, and so is what in
 * it could be taken for a cell of its own. A number that came as one is not asked: it is no text of anybody's.
 */
export function inert(text: string): string {
  const within = text.replaceAll(runs, (all, run: string, start: string | undefined) =>
    start !== undefined && cutsCells.test(run) ? `${run}'${start}` : all,
  );
  return formulaStart.test(text) ? `'${within}` : within;
}

const semicolons = new RegExp(`;(?=[${dropped}]*${formula})`, "gu");

/**
 * JSON, whose texts have no cell of their own in them for a program that cuts at semicolons: JSON can say one
 * otherwise and mean the same. Tabs and lines' ends it says otherwise anyhow.
 */
export const inertJson = (value: unknown): string => JSON.stringify(value).replaceAll(semicolons, "\\u003b");

/** Lists are joined by a blank, as no identifier has one; what has members is JSON. */
export function cellOf(value: CellValue): Cell {
  if (typeof value !== "object" || value === null) return value;
  return Array.isArray(value) ? value.join(" ") : JSON.stringify(value);
}

/** Characters that no XML 1.0 document has (section 2.2), and halves of pairs: a sheet that has one does not open. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const notXml = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g;
/** Characters of a cell that programs take. */
const sheetCellCharactersMax = 32_767;

/**
 * Sheets have a way of their own to write a character that XML has not (ECMA-376 part 1, section 22.9.2.19): `_x0007_`.
 * Somebody's text that looks like that is not to become the character.
 */
const sheetEscape = /_(?=x[0-9A-Fa-f]{4}_)/g;

/** A text as a sheet may have it: typed as text there, it is never a formula. */
export const sheetText = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(notXml, "\ufffd")
    .slice(0, sheetCellCharactersMax)
    .toWellFormed()
    .replaceAll(sheetEscape, "_x005F_");
