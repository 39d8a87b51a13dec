/** Cells of a table, and what of them a spreadsheet program would take for something to run. */

/** A value as its source has it. */
export type CellValue = string | number | boolean | null | readonly string[] | Readonly<Record<string, unknown>>;
/** … as a table has it. */
export type Cell = string | number | boolean | null;

/**
 * What begins a formula, or makes a program look for one (OWASP, "CSV Injection"; ASVS 1.2.10): `=`, `+`, `-`, `@`, a
 * tab, a line's end, and the full-width forms that some programs fold into those; also behind what programs drop in
 * front of a cell before they look at it: spaces of every kind, controls, marks without width.
 */
const formulaStart = /^[\p{White_Space}\p{Cc}\p{Cf}]*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/u;

/**
 * A text that no spreadsheet program runs: behind an apostrophe if it could be taken for a formula. A number that came
 * as one is not asked: it is no text of anybody's.
 */
export const inert = (text: string): string => (formulaStart.test(text) ? `'${text}` : text);

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

/** A text as a sheet may have it: typed as text there, it is never a formula. */
export const sheetText = (text: string): string =>
  text.toWellFormed().replaceAll(notXml, "\ufffd").slice(0, sheetCellCharactersMax).toWellFormed();
