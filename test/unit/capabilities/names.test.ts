import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nameCharactersMax, parseName } from "../../../workers/capabilities/devices/names.ts";

describe("a name", () => {
  it("is trimmed and composed, so that one name has one spelling", () => {
    expect(parseName("  Cafe\u0301 lab \n")).toBe("Café lab");
  });

  it("keeps the joiners that Indian scripts and emoji need", () => {
    expect(parseName("क्\u200Dष 👩\u200D💻")).toBe("क्\u200Dष 👩\u200D💻");
  });

  it("counts characters, not code units", () => {
    expect(parseName("😀".repeat(nameCharactersMax))).toBe("😀".repeat(nameCharactersMax));
    expect(parseName("😀".repeat(nameCharactersMax + 1))).toBeNull();
  });

  it.each([
    ["nothing", ""],
    ["only spaces", " \u00A0 "],
    ["a NUL", "a\u0000b"],
    ["a line break", "a\nb"],
    ["a line separator", "a\u2028b"],
    ["a mark that turns the reading direction", "exe\u202Etxt"],
    ["half a surrogate pair", "a\uD800"],
    ["something endless", "a".repeat(100_000)],
    ["a number", 7],
    ["null", null],
  ])("refuses %s", (_, text) => {
    expect(parseName(text)).toBeNull();
  });

  it("is stable: a name that was accepted is accepted again, unchanged", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 120 }), (text) => {
        const name = parseName(text);
        fc.pre(name !== null);
        expect(parseName(name)).toBe(name);
      }),
    );
  });
});
