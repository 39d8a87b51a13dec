import { describe, expect, it } from "vitest";
import { wafCatalogue } from "../../../core/tenancy/waf-catalogue.ts";
import type { WafCondition } from "../../../core/tenancy/waf-condition.ts";
import { compilePattern, patternInstructionsMax } from "../../../core/tenancy/waf-pattern.ts";
import {
  allowancesMax,
  conditionsMax,
  defaultWafPolicy,
  issuesOfPolicy,
  parseWafPolicy,
  patternsMax,
  type WafPolicy,
  type WafRule,
  wafPolicyCharactersMax,
  wafRulesMax,
} from "../../../core/tenancy/waf-policy.ts";

const fromCurl: WafCondition = { field: "user_agent", operator: "contains", value: "curl" };
const rule = (changes: Partial<WafRule> = {}): WafRule => ({
  name: "no curl",
  action: "block",
  match: "all",
  conditions: [fromCurl],
  ...changes,
});
const policy = (changes: Partial<WafPolicy> = {}): WafPolicy => ({ ...defaultWafPolicy, ...changes });
const withCondition = (condition: WafCondition): string[] =>
  messages(policy({ rules: [rule({ conditions: [condition] })] }));
const messages = (given: WafPolicy): string[] =>
  issuesOfPolicy(given).map(({ path, message }) => `${path}: ${message}`);
const place = "rules.0.conditions.0";

describe("a condition", () => {
  it("is taken in every form that the documentation shows", () => {
    const conditions: WafCondition[] = [
      { field: "endpoint", operator: "in", values: ["GET /api/v1/orgs/{org}/devices"] },
      { field: "path", operator: "starts_with", value: "/api/v1/orgs/demo/" },
      { field: "query", operator: "exists" },
      { field: "query_value", name: "q", operator: "matches", value: "^[0-9]+$", not: true },
      { field: "header", name: "x-client", operator: "equals", value: "Import", caseless: true },
      { field: "cookie", name: "beta", operator: "ends_with", value: "1" },
      { field: "body", name: "user.name", operator: "in", values: ["a", "b"] },
      { field: "method", operator: "in", values: ["DELETE"] },
      { field: "country", operator: "in", values: ["IN"], not: true },
      { field: "asn", operator: "in", values: ["64500"] },
      { field: "ip", operator: "in", values: ["203.0.113.0/24", "2001:db8::/32"] },
    ];
    for (const condition of conditions) expect([condition, withCondition(condition)]).toEqual([condition, []]);
  });

  it.each([
    [{ field: "header", operator: "exists" }, `${place}.name: header needs a name: which of them`],
    [{ field: "path", name: "x", operator: "exists" }, `${place}.name: path takes no name`],
    [
      { field: "header", name: "X-Client", operator: "exists" },
      `${place}.name: must be a header's name in small letters`,
    ],
    [{ field: "path", operator: "equals" }, `${place}.value: is missing`],
    [{ field: "path", operator: "equals", value: "" }, `${place}.value: must not be empty`],
    [{ field: "path", operator: "equals", value: "a\nb" }, `${place}.value: must have no control characters`],
    [{ field: "path", operator: "exists", value: "a" }, `${place}.value: not with exists`],
    [{ field: "path", operator: "in", values: [] }, `${place}.values: must name at least one`],
    [{ field: "country", operator: "in", values: ["IN", "IN"] }, `${place}.values: must not name one twice`],
    [
      { field: "country", operator: "in", values: ["India"] },
      `${place}.values.0: must be an ISO 3166-1 alpha-2 country code`,
    ],
    [
      { field: "asn", operator: "in", values: ["AS1"] },
      `${place}.values.0: must be an autonomous system number, in digits`,
    ],
    [
      { field: "method", operator: "in", values: ["get"] },
      `${place}.values.0: must be one of GET, HEAD, POST, PUT, PATCH, DELETE`,
    ],
    [
      { field: "endpoint", operator: "equals", value: "GET /api/v1/orgs/demo/devices" },
      `${place}.value: names no endpoint of an organisation`,
    ],
    [
      { field: "endpoint", operator: "equals", value: "POST /api/v1/auth/login" },
      `${place}.value: names no endpoint of an organisation`,
    ],
    [{ field: "endpoint", operator: "contains", value: "devices" }, `${place}.operator: must be equals or in`],
  ] as [WafCondition, string][])("says what is wrong with %j", (condition, message) => {
    expect(withCondition(condition)).toContain(message);
  });

  it.each(["authorization", "cookie", "proxy-authorization", "x-sentinel-org"])(
    "can't ask for a credential: header %s",
    (name) => {
      expect(withCondition({ field: "header", name, operator: "starts_with", value: "a" })).toHaveLength(1);
    },
  );

  it("can't ask for a cookie of Sentinel's own, however it is written", () => {
    for (const name of ["__Host-sentinel_session", "__host-SENTINEL_device"])
      expect(withCondition({ field: "cookie", name, operator: "starts_with", value: "a" })).toHaveLength(1);
  });
});

describe("a pattern", () => {
  it("finds what it says, in any case where that is asked for", () => {
    const pattern = compilePattern("^ab+$", true);
    expect(typeof pattern === "function" && [pattern("ABBB"), pattern("abc")]).toEqual([true, false]);
  });

  it.each(["(?<=a)b", "(a)\\1", "(?=a)", "(", "a**", "(((a{100}){100}){100}){100}", "x{1001}", ""])(
    "is refused with words where RE2 has none: %s",
    (source) => {
      expect(compilePattern(source, false)).toEqual(expect.stringMatching(/^(?:is no pattern|must not be empty)/));
    },
  );

  it("is refused when it is large once compiled, though it is short", () => {
    expect(compilePattern("(?:[a-z]{0,30}){0,30}q", false)).toContain(`of ${patternInstructionsMax}`);
    expect(compilePattern("a".repeat(201), false)).toBe("must have at most 200 characters");
  });
});

describe("a policy", () => {
  it("is what it was, once stored and read again", () => {
    const given = policy({
      mode: "log",
      sensitivity: "high",
      overrides: { "sqli-comment": "off" },
      rules: [rule(), rule({ name: "ours", action: "skip", match: "any" })],
      allowances: [
        {
          rule: "sqli-comment",
          endpoint: "POST /api/v1/orgs/{org}/groups",
          field: "body.name",
          until: "2026-12-01T00:00:00Z",
        },
      ],
    });
    expect(parseWafPolicy(JSON.parse(JSON.stringify(given)))).toEqual(given);
  });

  it.each([
    null,
    [],
    {},
    { ...defaultWafPolicy, mode: "off" },
    { ...defaultWafPolicy, sensitivity: "toString" },
    { ...defaultWafPolicy, overrides: { "sqli-union": "never" } },
    { ...defaultWafPolicy, allowances: [{ rule: "sqli-union", endpoint: "x", field: "body.a", until: "soon" }] },
    { ...defaultWafPolicy, rules: [{ ...rule(), conditions: [{ ...fromCurl, surplus: 1 }] }] },
    { ...defaultWafPolicy, rules: [{ ...rule(), conditions: [{ field: "ip", operator: "exists" }] }] },
    { ...defaultWafPolicy, rules: [{ ...rule(), action: "allow" }] },
    { ...defaultWafPolicy, surplus: true },
  ])("is none when it is not exactly right: %j", (json) => {
    expect(parseWafPolicy(json)).toBeNull();
  });

  it("that is stored may speak of rules that do not exist here, and is then silent about them", () => {
    const until = "2026-12-01T00:00:00Z";
    const endpoint = "POST /api/v1/orgs/{org}/groups";
    const json = {
      ...defaultWafPolicy,
      overrides: { nobody: "off", constructor: "off", "null-byte": "off", "sqli-union": "log" },
      allowances: [
        { rule: "nobody", endpoint, field: "body.name", until },
        { rule: "null-byte", endpoint, field: "body.name", until },
      ],
    };
    expect(parseWafPolicy(json)).toEqual({ ...defaultWafPolicy, overrides: { "sqli-union": "log" } });
    expect(messages(json as never)).toHaveLength(5);
  });

  it("can't turn off, log or exempt what protects every organisation", () => {
    const floor = Object.entries(wafCatalogue).filter(([, { class: attack }]) => attack === "protocol");
    expect(floor.map(([id]) => id)).toEqual(["null-byte", "header-injection", "header-injection-wide"]);
    expect(messages(policy({ overrides: { "null-byte": "log" } }))).toEqual([
      "overrides.null-byte: can't be turned off or exempted",
    ]);
    const allowance = {
      rule: "header-injection",
      endpoint: "POST /api/v1/orgs/{org}/groups",
      field: "body.name",
    } as const;
    expect(messages(policy({ allowances: [{ ...allowance, until: "2026-12-01T00:00:00Z" }] }))).toEqual([
      "allowances.0.rule: can't be turned off or exempted",
    ]);
  });

  it("keeps names of rules apart", () => {
    expect(messages(policy({ rules: [rule(), rule()] }))).toEqual(["rules.1.name: another rule is called so"]);
    expect(messages(policy({ rules: [rule({ name: " a" }), rule({ name: "b\u0000" })] }))).toHaveLength(2);
  });

  it("is bounded in rules, conditions, patterns, exemptions and size", () => {
    const many = (count: number, conditions: readonly WafCondition[]): WafRule[] =>
      Array.from({ length: count }, (_, index) => rule({ name: `r${index}`, conditions }));
    expect(messages(policy({ rules: many(wafRulesMax, [fromCurl]) }))).toEqual([]);
    expect(messages(policy({ rules: many(wafRulesMax + 1, [fromCurl]) }))).toEqual([
      "rules: must be at most 50; there are 51",
    ]);
    expect(messages(policy({ rules: many(41, Array(5).fill(fromCurl)) }))[0]).toBe(
      `rules.conditions: must be at most ${conditionsMax}; there are 205`,
    );
    const pattern: WafCondition = { field: "path", operator: "matches", value: "a" };
    expect(messages(policy({ rules: many(patternsMax + 1, [pattern]) }))[0]).toContain("rules.conditions.matches");
    expect(messages(policy({ rules: [rule({ conditions: Array(11).fill(fromCurl) })] }))).toEqual([
      "rules.0.conditions: must be at most 10",
    ]);
    const allowance = {
      rule: "sqli-union",
      endpoint: "POST /api/v1/orgs/{org}/groups",
      field: "body.name",
      until: "2026-12-01T00:00:00Z",
    } as const;
    expect(messages(policy({ allowances: Array(allowancesMax + 1).fill(allowance) }))[0]).toContain("allowances");
    const long: WafCondition = {
      field: "path",
      operator: "in",
      values: Array.from({ length: 50 }, (_, i) => `${i}`.padEnd(256, "x")),
    };
    const heavy = policy({ rules: many(3, [long]) });
    expect(JSON.stringify(heavy).length).toBeGreaterThan(wafPolicyCharactersMax);
    expect(messages(heavy)[0]).toContain("characters: must be at most");
  });
});
