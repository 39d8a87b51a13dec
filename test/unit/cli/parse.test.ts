import { describe, expect, it } from "vitest";
import { findVerb, helpText, parseFlags, verbHelp, verbs } from "../../../scripts/cli/parse.ts";
import { databaseUrlsFrom } from "../../../scripts/migrate/database-urls.ts";

const org = "org_01jd3x2k8hf9v8v3k4m5n6p7q8";

function parse(...args: string[]) {
  const found = findVerb(args);
  return found === "help" ? found : { name: found.verb.name, flags: parseFlags(found.verb, found.rest) };
}

describe("the command line", () => {
  it("is a verb of one or two words and its flags", () => {
    expect(parse("status", "--state", "x")).toEqual({ name: "status", flags: { state: "x" } });
    expect(parse("audit", "verify-leaves", `--org=${org}`)).toEqual({ name: "audit verify-leaves", flags: { org } });
    expect(parse("migrate")).toEqual({ name: "migrate", flags: {} });
  });

  it.each([
    ["missing_verb", []],
    ["unknown_verb", ["stop"]],
    ["unknown_verb", ["audit"]],
    ["unknown_verb", ["audit", "verify-all"]],
    ["unknown_verb", ["--state", "x"]],
    ["unexpected_argument", ["help", "status"]],
    ["unexpected_argument", ["status", "now"]],
    ["unexpected_argument", ["status", "--", "now"]],
    ["unknown_flag", ["status", "--verbose"]],
    ["unknown_flag", ["status", "-s"]],
    ["unknown_flag", ["status", "--toString"]],
    ["unknown_flag", ["migrate", "--state", "x"]],
    ["repeated_flag", ["status", "--state", "x", "--state", "y"]],
    ["missing_value", ["status", "--state"]],
    ["missing_value", ["status", "--state="]],
    ["missing_value", ["tenants", "--state", "--help"]],
    ["invalid_value", ["tenants", "--state", "a\0b"]],
    ["invalid_value", ["audit", "verify-leaves", "--org", "Demo!"]],
    ["conflicting_flags", ["audit", "verify-leaves", "--state", "x", "--database-url-file", "y"]],
  ])("is refused as %s: %j", (code, args) => {
    expect(() => parse(...args)).toThrow(expect.objectContaining({ code, status: 2 }));
  });

  it("takes an organisation by id or slug wherever it takes one, and nothing that is neither", () => {
    const takers = verbs.flatMap((verb) => {
      const flags = Object.entries(verb.flags).filter(([, { value }]) => value === "ORG");
      const words = flags.map(([name]): [string, (named: string) => string[]] => [
        name,
        (named) => [`--${name}`, named],
      ]);
      return [...words, ...(verb.argument?.value === "ORG" ? [["org", (named: string) => [named]] as const] : [])].map(
        ([name, typed]) => ({ verb, name, typed }),
      );
    });
    expect(takers.length).toBeGreaterThan(20);
    for (const { verb, name, typed } of takers) {
      const others = verb.argument === undefined || name === verb.argument.name ? [] : ["FILE"];
      const given = verb.argument?.value === "ORG" && name !== "org" ? ["demo"] : others;
      for (const named of [org, "demo"])
        expect((parseFlags(verb, [...given, ...typed(named)]) as Record<string, string>)[name], verb.name).toBe(named);
      for (const named of ["Demo", "org_", "../x", "a b", "demo%2Fx"])
        expect(() => parseFlags(verb, [...given, ...typed(named)]), `${verb.name} ${named}`).toThrow(
          expect.objectContaining({ code: "invalid_value" }),
        );
    }
    // What else is called so would be one more spelling of it.
    const others = verbs
      .flatMap((verb) => Object.entries(verb.flags))
      .filter(([name]) => /^(org|into|canary)$/.test(name));
    expect(others.filter(([, { value }]) => value !== "ORG")).toEqual([]);
  });

  it("never repeats more of what was typed than fits a line", () => {
    expect(() => parse("x".repeat(500))).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/x{41}/) }),
    );
  });
});

describe("help", () => {
  it("names every verb, and each verb's names every flag of it", () => {
    for (const verb of verbs) {
      expect(helpText()).toContain(`  ${verb.name} `);
      expect(parseFlags(verb, ["--help"])).toBe("help");
      for (const flag of Object.keys(verb.flags)) expect(verbHelp(verb)).toContain(`--${flag} `);
    }
  });

  it.each([["help"], ["--help"], ["-h"]])("is what %s asks for", (word) => {
    expect(parse(word)).toBe("help");
  });
});

describe("DATABASE_URLS", () => {
  const remote = "postgres://owner:secret@db.example/sentinel";

  it("keeps its order: the first placement holds the control plane", () => {
    const urls = databaseUrlsFrom(
      JSON.stringify({ b: `${remote}?sslmode=verify-full`, a: "postgres://o@127.0.0.1/s" }),
    );
    expect(urls.map(({ name }) => name)).toEqual(["b", "a"]);
  });

  it.each([
    undefined,
    "",
    "null",
    "[]",
    "{}",
    JSON.stringify({ a: 1 }),
    JSON.stringify({ a: "secret" }),
    JSON.stringify({ a: "https://db.example" }),
    JSON.stringify({ a: remote }),
    JSON.stringify({ a: `${remote}?sslmode=require` }),
  ])("is refused, without a word of its secrets: %s", (text) => {
    expect(() => databaseUrlsFrom(text)).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/secret/) }),
    );
  });
});
