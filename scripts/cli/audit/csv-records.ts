import { createReadStream } from "node:fs";

/**
 * The records of a table whose cells are all quoted (RFC 4180), as core/audit/csv.ts writes it.
 * @throws SyntaxError for a text of another form
 */
export async function* csvRecords(texts: AsyncIterable<string>): AsyncGenerator<string[]> {
  let cells: string[] = [];
  let cell = "";
  // `quote`: one was read within a cell, so it ends there or stands for itself.
  let state: "between" | "within" | "quote" = "between";
  for await (const text of texts) {
    for (const char of text) {
      if (state === "within") {
        if (char === '"') state = "quote";
        else cell += char;
      } else if (char === '"') {
        if (state === "quote") cell += '"';
        state = "within";
      } else if (state === "quote" && (char === "," || char === "\r")) {
        cells.push(cell);
        cell = "";
        state = "between";
      } else if (state === "between" && char === "\n" && cells.length > 0) {
        yield cells;
        cells = [];
      } else throw new SyntaxError("not a table of quoted cells");
    }
  }
  if (state !== "between" || cells.length > 0) throw new SyntaxError("the table ends in the midst of a row");
}

/** A file's text as it comes. */
export const textOfFile = (path: string): AsyncIterable<string> => createReadStream(path, "utf8");
