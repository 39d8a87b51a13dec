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

const formulas = [..."=+-@\uFF1D\uFF0B\uFF0D\uFF20\uFE66\uFE62\uFE63\uFE6B\u207A\u207B\u207C\u208A\u208B\u208C"];
const starts = [...formulas, "\t", "\r", "\n"];
const blanks = ["", " ", "\u00a0", "\ufeff", "\u200b", "\u3000", "\0", " \t "];
const attack = fc
  .tuple(fc.constantFrom(...blanks), fc.constantFrom(...starts), fc.string())
  .map((parts) => parts.join(""));
/** Without what makes it harmless. */
const bare = (cell: string | undefined): string | undefined => cell?.replaceAll("'", "");
/** What a program looks at once it has dropped what nobody sees. */
const seen = (cell: string): string => cell.replace(/^[\p{White_Space}\p{Cc}\p{Cf}]+/u, "").charAt(0);

describe("a cell of a CSV export", () => {
  it("is never the beginning of a formula, whatever stands in front of it", () => {
    fc.assert(
      fc.property(attack, (value) => {
        const [[cell] = []] = parseCsv(text(csvLines(null, [[value]])));
        expect(cell?.charAt(0)).toBe("'");
        expect(bare(cell)).toBe(bare(value));
        expect(formulas).not.toContain(seen(cell ?? "="));
      }),
    );
  });

  it("has no other cell in it for a program that cuts at semicolons, tabs or lines, and knows no quotes there", () => {
    const word = fc.string({ maxLength: 5 });
    const cut = fc.constantFrom(";", "\t", "\r", "\n", "\r\n", "; ", ";\u200b", "\n;");
    fc.assert(
      fc.property(fc.array(fc.tuple(word, cut, fc.constantFrom(...starts), word), { minLength: 1 }), (parts) => {
        const value = parts.flat().join("");
        const csv = text(csvLines(null, [[7, "dev_x", value]]));
        // The line's own beginning is no text of anybody's.
        const [, ...cells] = csv.split(/[;\t\r\n]/);
        for (const cell of cells) expect([value, formulas.includes(seen(cell))]).toEqual([value, false]);
      }),
    );
    expect(text(csvLines(null, [["Plan; -draft", "a - b = c", "x;y", "mail@school"]]))).toBe(
      `"Plan; '-draft","a - b = c","x;y","mail@school"\r\n`,
    );
  });

  it("that is JSON stays what it says, with no cell in its texts for a program that cuts at semicolons", () => {
    const value = { agent: "Mozilla; =HYPERLINK(1);", more: "a;b; \u200b+1\t-1\n@x" };
    const csv = text(csvLines(null, [[value]]));
    for (const cell of csv.split(";").slice(1)) expect(formulas).not.toContain(seen(cell));
    expect(JSON.parse(parseCsv(csv)[0]?.[0] ?? "")).toEqual(value);
  });

  it("costs no more than its length, however it is made", () => {
    const long = `${"\n ;\t".repeat(250_000)}x`;
    expect(bare(text(csvLines(null, [[long]])))).toHaveLength(long.length + 4);
  });

  it("is the text that came, with nothing but apostrophes put in", () => {
    const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 20 }), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 5 }), (rows) => {
        const read = parseCsv(text(csvLines(null, rows)));
        for (const [at, row] of rows.entries())
          for (const [column, cell] of row.entries()) expect(bare(read[at]?.[column])).toBe(bare(cell));
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

  it("shows what looks like a sheet's own escape as it came, and makes no character of it", async () => {
    const xml = await sheetOf(["_x202E_gpj.exe", "_x0007_", "a_x005F_x0041_", "_x12_", "a_b"]);
    const decoded = [...xml.matchAll(/<t[^>]*>([^<]*)<\/t>/g)].map(([, cell = ""]) =>
      cell.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
    );
    expect(decoded.slice(1)).toEqual(["_x202E_gpj.exe", "_x0007_", "a_x005F_x0041_", "_x12_", "a_b"]);
  });
});
