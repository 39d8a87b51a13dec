/** Rows as text: CSV (RFC 4180) by csv-stringify, JSON Lines. */
import { stringify } from "csv-stringify/sync";
import { type CellValue, cellOf, inert, inertJson } from "./cells.ts";

export type Row = readonly CellValue[];

const encoder = new TextEncoder();

/**
 * Lines of CSV. Every text is quoted, so that no separator of another country's cuts it, and none is a formula.
 * @param head the columns' names, in front of the first rows; null: further rows
 */
export function csvLines(head: readonly string[] | null, rows: readonly Row[]): Uint8Array<ArrayBuffer> {
  const cells = rows.map((row) =>
    row.map((value) => {
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return inertJson(value);
      const cell = cellOf(value);
      return typeof cell === "string" ? inert(cell) : cell;
    }),
  );
  const text = stringify(head === null ? cells : [head, ...cells], {
    quoted_string: true,
    record_delimiter: "\r\n",
    // The library's own word for true is 1.
    cast: { boolean: (value) => String(value) },
  });
  return encoder.encode(text);
}

/** One object a line, its members named by the columns: what has members keeps them. */
export function jsonLines(columns: readonly string[], rows: readonly Row[]): Uint8Array<ArrayBuffer> {
  const lines = rows.map((row) =>
    JSON.stringify(Object.fromEntries(columns.map((name, at) => [name, row[at] ?? null]))),
  );
  return encoder.encode(lines.map((line) => `${line}\n`).join(""));
}

/** Cells as they are, an array a line: what a sheet is made of. */
export function arrayLines(rows: readonly Row[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(rows.map((row) => `${JSON.stringify(row.map(cellOf))}\n`).join(""));
}
