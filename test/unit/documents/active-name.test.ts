import { describe, expect, it } from "vitest";
import { runsByItsName } from "../../../core/documents/active-name.ts";
import { parseName } from "../../../workers/capabilities/documents/names.ts";

describe("a name", () => {
  it("by which a program would run what is in it is told, however its ending is dressed up", () => {
    const names = ["a.html", "A.HTM", "a.svg", "a.pdf.exe", "a.bat.", "a.cmd . .", "a.ps1", "a.js", "a.docm", "a.xla"];
    expect(names.filter((name) => !runsByItsName(name))).toEqual([]);
    const others = ["a.pdf", "a.docx", "html", "a.html.txt", "exe.csv", "a.json", "शुल्क.xlsx", "a.one.pdf", "a.com.png"];
    expect(others.filter(runsByItsName)).toEqual([]);
  });

  it("has something to be seen", () => {
    for (const name of ["\u200b", "\u200d\u200d", "\u2800", "\u3164", "\ufeff \u00ad", "\u0301"])
      expect(parseName(name)).toBeNull();
    for (const name of ["a", "क्‍ष", "📚", "-", "é"]) expect(parseName(name)).toBe(name.normalize("NFC"));
  });
});
