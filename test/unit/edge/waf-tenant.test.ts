import { describe, expect, it } from "vitest";
import type { WafPolicy, WafRule } from "../../../core/tenancy/waf-policy.ts";
import type { Admitted } from "../../../workers/edge/gates/gate.ts";
import { geoGate } from "../../../workers/edge/gates/geo.ts";
import { wafGate } from "../../../workers/edge/gates/waf/index.ts";
import { contextOf, nowMs, orgId } from "./contexts.ts";
import { type Asked, ask, attack, groups, verdict } from "./waf-ask.ts";

const rule = (changes: Partial<WafRule>): WafRule => ({
  name: "r",
  action: "block",
  match: "all",
  conditions: [{ field: "path", operator: "exists" }],
  ...changes,
});
const one = (condition: WafRule["conditions"][number], action: WafRule["action"] = "block"): Partial<WafPolicy> => ({
  rules: [rule({ action, conditions: [condition] })],
});

describe("an organisation's own rule", () => {
  it.each([
    [
      { field: "method", operator: "in", values: ["POST"] },
      { method: "GET", path: "/api/v1/orgs/demo/devices" },
    ],
    [
      { field: "endpoint", operator: "equals", value: "POST /api/v1/orgs/{org}/groups" },
      { path: "/api/v1/orgs/demo/invitations" },
    ],
    [{ field: "path", operator: "ends_with", value: "/groups" }, { path: "/api/v1/orgs/demo/invitations" }],
    [{ field: "query", operator: "contains", value: "a=b" }, {}],
    [{ field: "query_value", name: "q", operator: "equals", value: "a b'" }, { path: `${groups}?p=a+b%27` }],
    [
      { field: "header", name: "x-client", operator: "starts_with", value: "IMPORT", caseless: true },
      { headers: { "X-Client": "an import" } },
    ],
    [{ field: "cookie", name: "beta", operator: "exists" }, { headers: { Cookie: "alpha=1" } }],
    [{ field: "user_agent", operator: "matches", value: "^curl/[78]\\." }, {}],
    [{ field: "referer", operator: "contains", value: "evil" }, {}],
    [
      { field: "body", name: "user.tags.name", operator: "in", values: ["x"] },
      { body: { user: { tags: [{ name: "y" }] } } },
    ],
    [{ field: "country", operator: "in", values: ["IN"] }, null],
    [{ field: "asn", operator: "in", values: ["55836"] }, { cf: { asn: 1 } }],
    [{ field: "ip", operator: "in", values: ["203.0.113.0/24"] }, { headers: { "CF-Connecting-IP": "198.51.100.1" } }],
  ] as [WafRule["conditions"][number], Asked | null][])("sees %j and nothing else", async (condition, other) => {
    const meets: Asked = {
      path: `${groups}?q=a+b%27&a=b`,
      body: { name: "n", user: { tags: [{ name: "y" }, { name: "x" }] } },
      headers: {
        "X-Client": "import 2",
        Cookie: "beta=",
        "User-Agent": "curl/8.5.0",
        Referer: "https://evil.example/",
      },
    };
    expect(await verdict(one(condition), meets)).toBe("waf_denied");
    if (other !== null) expect(await verdict(one(condition), other)).toBe("allow");
    // Turned round, each holds where the other did.
    const turned = one({ ...condition, not: true });
    expect(await verdict(turned, meets)).toBe("allow");
    if (other !== null) expect(await verdict(turned, other)).toBe("waf_denied");
  });

  it("holds when all of its conditions do, or any", async () => {
    const conditions = [
      { field: "path", operator: "exists" },
      { field: "header", name: "x-none", operator: "exists" },
    ] as const;
    expect(await verdict({ rules: [rule({ match: "all", conditions })] })).toBe("allow");
    expect(await verdict({ rules: [rule({ match: "any", conditions })] })).toBe("waf_denied");
  });

  it("is asked in its place: what skips first is not refused by what stands below", async () => {
    const skip = rule({ name: "skip", action: "skip" });
    const block = rule({ name: "block" });
    expect(await verdict({ rules: [skip, block] })).toBe("allow");
    expect(await verdict({ rules: [block, skip] })).toBe("waf_denied");
  });

  it("that skips lets an attack pass by the platform's rules, but for those that protect everybody", async () => {
    const rules = [rule({ action: "skip" })];
    expect(await verdict({}, { body: { name: attack } })).toBe("waf_denied");
    expect(await verdict({ rules }, { body: { name: attack } })).toBe("allow");
    const floor = await ask({ rules }, { body: { name: "a\u0000b" } });
    expect([floor.verdict, floor.records[0]?.score]).toEqual(["waf_denied", 5]);
    expect(await verdict({ rules }, { path: `${groups}?q=x%0d%0aSet-Cookie:a=b` })).toBe("waf_denied");
  });

  it("that only logs refuses nothing and is on record", async () => {
    const { verdict: outcome, records } = await ask({ rules: [rule({ name: "seen", action: "log" })] });
    expect([outcome, records.map(({ outcome, rules }) => [outcome, rules])]).toEqual(["allow", [["log", ["seen"]]]]);
  });

  it("is not asked on the way back: an organisation can always sign in, open its pages and change its policies", async () => {
    const rules = [rule({})];
    for (const [method, path] of [
      ["PUT", "/api/v1/orgs/demo/policies/waf"],
      ["POST", "/api/v1/orgs/demo/policies/geo/break-glass"],
      ["POST", "/api/v1/orgs/demo/auth/login"],
      ["GET", "/api/v1/orgs/demo"],
      ["GET", "/o/demo/security"],
    ] as const)
      expect([path, await verdict({ rules }, { method, path })]).toEqual([path, "allow"]);
    expect(await verdict({ rules }, { method: "DELETE", path: "/api/v1/orgs/demo" })).toBe("waf_denied");
    // The platform's rules are.
    const login = { path: "/api/v1/orgs/demo/auth/login", body: { email: attack } };
    expect(await verdict({ rules }, login)).toBe("waf_denied");
  });

  it("holds however the organisation is named", async () => {
    const rules = one({ field: "endpoint", operator: "equals", value: "POST /api/v1/orgs/{org}/groups" });
    expect(await verdict(rules, { path: `/api/v1/orgs/${orgId}/groups` })).toBe("waf_denied");
  });

  it("never sees a secret, not even through what it logs", async () => {
    const issued = "/api/v1/orgs/demo/identity-providers";
    const secret = { name: "ours", client_secret: "s3cret-s3cret" };
    const asked = {
      path: issued,
      body: secret,
      headers: { Cookie: "__Host-sentinel_session=abc", Authorization: "Bearer abc" },
    };
    for (const condition of [
      { field: "body", name: "client_secret", operator: "exists" },
      { field: "cookie", name: "__Host-sentinel_session", operator: "exists" },
    ] as const)
      expect(await verdict(one(condition), asked)).toBe("allow");
    // Of the same request it sees the rest.
    expect(await verdict(one({ field: "body", name: "name", operator: "exists" }), asked)).toBe("waf_denied");
  });

  it("fails closed where it can't know: no operator's number, and a value that is too long for a pattern", async () => {
    const byAsn = { field: "asn", operator: "in", values: ["64500"] } as const;
    const unknown = { cf: { asn: undefined } };
    expect(await verdict(one(byAsn), unknown)).toBe("waf_denied");
    expect(await verdict(one({ ...byAsn, not: true }), unknown)).toBe("waf_denied");
    expect(await verdict(one(byAsn, "skip"), { ...unknown, body: { name: attack } })).toBe("waf_denied");
    expect(await verdict(one({ ...byAsn, not: true }, "skip"), { ...unknown, body: { name: attack } })).toBe(
      "waf_denied",
    );
    const pattern = { field: "body", name: "name", operator: "matches", value: "z" } as const;
    const long = { body: { name: "word ".repeat(2000) } };
    expect(await verdict(one(pattern), long)).toBe("waf_denied");
    expect(await verdict(one({ ...pattern, operator: "contains" }), long)).toBe("allow");
  });

  it("reads at most its share of a request by patterns, all rules together", async () => {
    const pattern = { field: "body", name: "name", operator: "matches", value: "zz" } as const;
    const rules = [rule({ name: "a", conditions: [pattern] }), rule({ name: "b", conditions: [{ ...pattern }] })];
    expect(await verdict({ rules }, { body: { name: "y".repeat(2000) } })).toBe("allow");
    expect(await verdict({ rules }, { body: { name: "y".repeat(2100) } })).toBe("waf_denied");
  });
});

describe("the platform's rules at an organisation", () => {
  const sent = { body: { name: attack } };

  it("only log in the mode that logs, but for those that protect everybody", async () => {
    const { verdict: outcome, records } = await ask({ mode: "log" }, sent);
    expect([outcome, records[0]?.outcome]).toEqual(["allow", "log"]);
    expect(await verdict({ mode: "log", rules: [rule({})] })).toBe("allow");
    expect(await verdict({ mode: "log" }, { body: { name: "a\u0000b" } })).toBe("waf_denied");
    const deep = JSON.parse(`${"[".repeat(40)}"a b"${"]".repeat(40)}`);
    expect(await verdict({ mode: "log" }, { body: { name: deep } })).toBe("waf_denied");
  });

  it("are refused, logged or off one by one, whatever the mode is", async () => {
    const { records } = await ask({}, sent);
    const found = records[0]?.findings.map(({ rule: id }) => id) ?? [];
    expect(found.length).toBeGreaterThan(0);
    const every = (word: "off" | "log" | "block") => Object.fromEntries(found.map((id) => [id, word]));
    expect((await ask({ overrides: every("off") }, sent)).records[0]?.outcome).toBe("pass");
    expect((await ask({ overrides: every("log") }, sent)).records[0]?.outcome).toBe("log");
    expect(await verdict({ mode: "log", overrides: every("block") }, sent)).toBe("waf_denied");
  });

  it("weigh more or less by the sensitivity, and the floor weighs the same", async () => {
    // One error and nothing else.
    const error = { path: `${groups}?filters%5Bage%5D%5B%24regex%5D=1` };
    const scores = (await ask({}, error)).records.map(({ outcome, score }) => [outcome, score]);
    expect(scores).toEqual([["pass", 4]]);
    expect(await verdict({ sensitivity: "high" }, error)).toBe("waf_denied");
    expect(await verdict({ sensitivity: "low" }, { body: { name: "a\u0000b" } })).toBe("waf_denied");
  });

  it("let pass what is exempted: that rule, that endpoint, that field, until then", async () => {
    const { records } = await ask({}, sent);
    const until = new Date(nowMs + 1000).toISOString();
    const endpoint = "POST /api/v1/orgs/{org}/groups";
    const allowances = (records[0]?.findings ?? []).map(({ rule: id, field }) => ({
      rule: id,
      endpoint,
      field,
      until,
    }));
    expect(allowances.every(({ field }) => field === "body.name")).toBe(true);
    expect(await verdict({ allowances }, sent)).toBe("allow");
    expect(await verdict({ allowances }, { body: { title: attack } })).toBe("waf_denied");
    expect(await verdict({ allowances }, { path: `${groups}?name=${encodeURIComponent(attack)}` })).toBe("waf_denied");
    expect(await verdict({ allowances }, { path: "/api/v1/orgs/demo/invitations", ...sent })).toBe("waf_denied");
    expect(await verdict({ allowances }, { body: { name: "<script>alert(1)</script>" } })).toBe("waf_denied");
    const over = allowances.map((allowance) => ({ ...allowance, until: new Date(nowMs).toISOString() }));
    expect(await verdict({ allowances: over }, sent)).toBe("waf_denied");
  });

  it("are not an organisation's where a request addresses none", async () => {
    const context = { path: `/api/v1/me?q=${encodeURIComponent(attack)}`, method: "GET" };
    const { records } = await ask({}, { path: groups, body: { name: "n" } });
    expect(records).toHaveLength(1);
    const elsewhere = contextOf(`https://s.example${context.path}`, {});
    const from = await geoGate.judge(elsewhere);
    if (from.kind === "deny") throw new Error("the geo gate refused");
    expect(await wafGate.judge({ ...elsewhere, body: null, ...from.adds } as unknown as Admitted)).toMatchObject({
      code: "waf_denied",
    });
  });
});

describe("a policy on its way to studio", () => {
  it("passes the platform's own rules, whatever its rules look for", async () => {
    const conditions = [
      { field: "query", operator: "contains", value: attack },
      { field: "body", name: "a", operator: "in", values: ["<script>alert(1)</script>", "/etc/passwd"] },
      { field: "endpoint", operator: "equals", value: "POST /api/v1/orgs/{org}/groups" },
    ];
    const allowances = [
      {
        rule: "nosql-operator",
        endpoint: "POST /api/v1/orgs/{org}/groups",
        field: "query.user[$ne]",
        until: "2026-12-01T00:00:00Z",
      },
    ];
    const overrides = { "sqli-union": "off", "xss-script": "log" };
    const body = { mode: "block", sensitivity: "normal", overrides, rules: [{ ...rule({}), conditions }], allowances };
    const policies = "/api/v1/orgs/demo/policies/waf";
    expect(await verdict({}, { method: "PUT", path: policies, body })).toBe("allow");
    expect(await verdict({}, { method: "POST", path: `${policies}/replay`, body })).toBe("allow");
    const items = [{ rule: "nosql-operator", field: "query.user[$ne]" }];
    expect(await verdict({}, { path: `${policies}/allowances`, body: { endpoint: "POST /x", items } })).toBe("allow");
    // What has no business there is refused there too.
    expect(await verdict({}, { method: "PUT", path: policies, body: { ...body, note: attack } })).toBe("waf_denied");
  });
});
