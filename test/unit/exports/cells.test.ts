import fc from "fast-check";
import { unzipSync } from "fflate";
import { writeXlsxStream } from "hucre/xlsx";
import { describe, expect, it } from "vitest";
import { sheetText } from "../../../core/exports/cells.ts";
import { csvLines, jsonLines } from "../../../core/exports/lines.ts";

const text = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** RFC 4180, read by hand: no library that wrote it reads it. */
function parseCsv(csv: string): string[][] {
  const rows: string[][] = [];
  let [row, cell, quoted]: [string[], string, boolean] = [[], "", false];
  for (let at = 0; at < csv.length; at += 1) {
    const character = csv.charAt(at);
    if (quoted) {
      if (character !== '"') cell += character;
      else if (csv.charAt(at + 1) === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === "," || csv.startsWith("\r\n", at)) {
      row.push(cell);
      cell = "";
      if (character === ",") continue;
      at += 1;
      rows.push(row);
      row = [];
    } else cell += character;
  }
  return rows;
}

const starts = ["=", "+", "-", "@", "\t", "\r", "\n", "\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"];
const blanks = ["", " ", "\u00a0", "\ufeff", "\u200b", "\u3000", "\0", " \t "];
const attack = fc
  .tuple(fc.constantFrom(...blanks), fc.constantFrom(...starts), fc.string())
  .map((parts) => parts.join(""));
/** What a program looks at once it has dropped what nobody sees. */
const seen = (cell: string): string => cell.replace(/^[\p{White_Space}\p{Cc}\p{Cf}]+/u, "").charAt(0);

describe("a cell of a CSV export", () => {
  it("is never the beginning of a formula, whatever stands in front of it", () => {
    fc.assert(
      fc.property(attack, (value) => {
        const [[cell] = []] = parseCsv(text(csvLines(null, [[value]])));
        expect(cell).toBe(`'${value}`);
        expect("=+-@\uFF1D\uFF0B\uFF0D\uFF20").not.toContain(seen(cell ?? "="));
      }),
    );
  });

  it("is the text that came, with nothing but an apostrophe in front", () => {
    const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 20 }), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 5 }), (rows) => {
        const read = parseCsv(text(csvLines(null, rows)));
        const ofText = (cell: string): string[] => [cell, `'${cell}`];
        for (const [at, row] of rows.entries())
          for (const [column, cell] of row.entries()) expect(ofText(cell)).toContain(read[at]?.[column]);
        expect(read.length).toBe(rows.length);
      }),
    );
  });

  it("keeps a number a number, below zero too, and a lack of one empty", () => {
    expect(text(csvLines(["a", "b", "c"], [[-5.25, null, true]]))).toBe('"a","b","c"\r\n-5.25,,true\r\n');
  });

  it("joins what is a list, and writes what has members as JSON", () => {
    expect(text(csvLines(null, [[["grp_a", "grp_b"], { cpu: 1 }]]))).toBe('"grp_a grp_b","{""cpu"":1}"\r\n');
  });
});

describe("a line of a JSONL export", () => {
  it("is the row, its values as they came", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(attack, fc.double({ noNaN: true, noDefaultInfinity: true }))), (rows) => {
        const lines = text(jsonLines(["name", "value"], rows))
          .split("\n")
          .slice(0, -1);
        const read = lines.map((line) => JSON.parse(line));
        expect(read).toEqual(JSON.parse(JSON.stringify(rows.map(([name, value]) => ({ name, value })))));
      }),
    );
  });
});

describe("a cell of a sheet", () => {
  const sheetOf = async (cells: readonly string[]): Promise<string> => {
    const stream = writeXlsxStream(
      cells.map((cell) => [sheetText(cell)]),
      { name: "inventory", columns: [{ header: "name" }] },
    );
    const files = unzipSync(new Uint8Array(await new Response(stream).arrayBuffer()));
    const sheet = files["xl/worksheets/sheet1.xml"];
    if (sheet === undefined) throw new Error("there is no sheet");
    return text(sheet);
  };

  it("is typed as text and never a formula", async () => {
    const values = fc.sample(attack, 200);
    const xml = await sheetOf([...values, '=HYPERLINK("http://x")', "@SUM(1)", "-1+1", "{=1}"]);
    expect(xml).not.toMatch(/<f[\s>/]/);
    // Every cell of the sheet, its head's too, says that it is text.
    const cells = xml.match(/<c [^>]*>/g) ?? [];
    expect(cells.length).toBeGreaterThan(200);
    for (const cell of cells) expect(cell).toMatch(/ t="(inlineStr|s)"/);
  });

  it("has no character that a sheet can't hold, so that one name doesn't break all of it", async () => {
    const xml = await sheetOf(["a\0b\x1b[31m\uffff", "half \ud83d of a pair", "x".repeat(40_000)]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(xml).not.toMatch(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/);
    expect(xml).toContain("a\ufffdb\ufffd[31m\ufffd");
    expect(xml).toContain("half \ufffd of a pair");
    expect(Math.max(...[...xml.matchAll(/x+/g)].map(([run]) => run.length))).toBe(32_767);
  });
});
