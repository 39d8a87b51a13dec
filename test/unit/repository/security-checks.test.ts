import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const root = new URL("../../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const rows = (page: string): string[][] =>
  read(page)
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.slice(2, -2).split(" | "));

/** The last number; a new statement gets the next one, and none is ever given again. */
const lastNumber = 67;
const checks = rows("docs/security-checks.md").filter(([number]) => /^\d+$/.test(number ?? ""));

describe("docs/security-checks.md", () => {
  it("has one row a number, in order", () => {
    expect(checks.map(([number]) => Number(number))).toEqual(
      Array.from({ length: lastNumber }, (_, index) => index + 1),
    );
  });

  it.each(checks)("%s names tests that exist, or says what will bring it", (_number, _statement, shown = "") => {
    const named = [...shown.matchAll(/\[(test\/[^\]]+)\]\(\.\.\/([^)]+)\): "([^"]+)"/g)];
    // Each link is one of those pairs: none stands without the claim that shows it.
    expect(named).toHaveLength(shown.split("](").length - 1);
    if (named.length === 0) expect(shown).toMatch(/^Not yet/);
    for (const [, text = "", target, claim = ""] of named) {
      expect(target).toBe(text);
      const quoted = [`"${claim}"`, `\`${claim}\``];
      expect(
        quoted.some((literal) => read(text).includes(literal)),
        `${text} has no "${claim}"`,
      ).toBe(true);
    }
  });
});

describe("SECURITY.md", () => {
  const guarantees = read("SECURITY.md")
    .split("\n## ")
    .find((section) => section.startsWith("Guarantees"))
    ?.split("\n")
    .filter((line) => /^\| [^|-]/.test(line) && !line.startsWith("| guarantee"));

  it.each(guarantees ?? [])("links a test for the guarantee: %s", (line) => {
    const [, shown = ""] = line.slice(2, -2).split(" | ");
    const targets = [...shown.matchAll(/\]\(([^)]+)\)/g)].map(([, target = ""]) => target);
    expect(targets.length).toBeGreaterThan(0);
    for (const target of targets) {
      expect(target).toMatch(/^test\//);
      expect(existsSync(new URL(target, root)), target).toBe(true);
    }
  });
  it("has guarantees", () => {
    expect(guarantees?.length).toBeGreaterThan(15);
  });
});
