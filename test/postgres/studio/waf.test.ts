/** The firewall's policy as studio keeps it: checked, versioned, tried beforehand, and opened as little as can be. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { KeptWafRecord } from "../../../core/rpc/durable-objects.ts";
import { type OrgPolicy, parseOrgPolicy } from "../../../core/tenancy/policy.ts";
import { defaultWafPolicy } from "../../../core/tenancy/waf-policy.ts";
import type { WafRecord } from "../../../core/tenancy/waf-record.ts";
import { createHarness, type Harness, type SendOptions } from "./harness.ts";

let studio: Harness;
let org: Awaited<ReturnType<Harness["newOrg"]>>;
beforeAll(async () => {
  studio = await createHarness();
});
beforeEach(async () => {
  studio.audit.waf.length = 0;
  org = await studio.newOrg();
});

const ask = (method: string, path: string, options: SendOptions = {}) =>
  studio.send(method, `/api/v1/orgs/${org.slug}/policies/waf${path}`, { token: org.owner.token, ...options });
const published = (): OrgPolicy["waf"] | undefined =>
  parseOrgPolicy(JSON.parse(studio.kv.get(`org:${org.id}`) ?? "null"))?.waf;
const version = async (): Promise<string> => (await ask("GET", "")).body.version;
/** Replaces the policy on the version that is there. */
const put = async (changes: object, options: SendOptions = {}) =>
  ask("PUT", "", { body: { ...defaultWafPolicy, ...changes, version: await version() }, ...options });

const groups = "POST /api/v1/orgs/{org}/groups";
const later = (ms: number): string => new Date(studio.clock.nowMs + ms).toISOString();
const day = 24 * 3600_000;
const rule = (changes: object = {}) => ({
  name: "no curl",
  action: "block",
  match: "all",
  conditions: [{ field: "user_agent", operator: "contains", value: "curl" }],
  ...changes,
});
/** Something the firewall did, as the log keeps it. */
function record(changes: Partial<WafRecord> = {}, count = 1): KeptWafRecord {
  const id = String(studio.audit.waf.length + 1);
  const its: WafRecord = {
    outcome: "block",
    score: 5,
    rules: [],
    endpoint: groups,
    country: "IN",
    asn: 55836,
    network: "203.0.113.0/24",
    userAgent: "Mozilla/5.0",
    findings: [{ rule: "sqli-union", input: 2, field: "body.name", fragment: "x' union select" }],
    partial: false,
    ...changes,
  };
  const kept = { id, record: its, count, firstAtMs: studio.clock.nowMs - 1000, lastAtMs: studio.clock.nowMs };
  studio.audit.waf.push(kept);
  return kept;
}

describe("a policy of the firewall", () => {
  it("is the platform's until somebody decides, then what was sent, for the edge too, and on record", async () => {
    expect((await ask("GET", "")).body).toMatchObject(defaultWafPolicy);
    const wanted = {
      mode: "log",
      sensitivity: "high",
      overrides: { "sqli-comment": "off", "sqli-union": "block" },
      rules: [
        rule(),
        rule({ name: "ours", action: "skip", conditions: [{ field: "asn", operator: "in", values: ["64500"] }] }),
      ],
      allowances: [{ rule: "sqli-clause", endpoint: groups, field: "body.name", until: later(day) }],
    };
    const done = await put(wanted);
    expect(done).toMatchObject({ status: 200, body: wanted });
    expect(published()).toEqual(wanted);
    expect((await ask("GET", "")).body).toEqual(done.body);
    expect(studio.audit.of(done.requestId).map(({ event }) => event)).toContainEqual({
      type: "policy_change",
      user_id: org.owner.id,
      policy: "waf",
    });
  });

  it("is decided on a version: of two changes at once one is refused and nothing of it is there", async () => {
    const seen = await version();
    const first = await ask("PUT", "", { body: { ...defaultWafPolicy, mode: "log", version: seen } });
    const second = await ask("PUT", "", { body: { ...defaultWafPolicy, sensitivity: "low", version: seen } });
    expect([first.status, second.status, second.body.code]).toEqual([200, 409, "conflict"]);
    expect(published()).toEqual({ ...defaultWafPolicy, mode: "log" });
  });

  it("leaves the other policies as they are, and they leave it", async () => {
    await put({ mode: "log" });
    const tls = { body: { device_min: "TLSv1.2" }, token: org.owner.token };
    await studio.send("PUT", `/api/v1/orgs/${org.slug}/policies/tls`, tls);
    expect(published()).toEqual({ ...defaultWafPolicy, mode: "log" });
    expect(JSON.parse(studio.kv.get(`org:${org.id}`) ?? "null").tlsDeviceMin).toBe("TLSv1.2");
  });

  it.each([
    [{ mode: "off" }, "mode"],
    [{ surplus: 1 }, "surplus"],
    [{ rules: [rule({ conditions: [] })] }, "rules.0.conditions"],
    [{ rules: [rule(), rule()] }, "rules.1.name"],
    [
      { rules: [rule({ conditions: [{ field: "path", operator: "matches", value: "(?=a)" }] })] },
      "rules.0.conditions.0.value",
    ],
    [
      { rules: [rule({ conditions: [{ field: "ip", operator: "equals", value: "10.0.0.1" }] })] },
      "rules.0.conditions.0.operator",
    ],
    [
      { rules: [rule({ conditions: [{ field: "ip", operator: "in", values: ["10.1.2.3/8"] }] })] },
      "rules.0.conditions.0.values.0",
    ],
    [
      { rules: [rule({ conditions: [{ field: "header", name: "authorization", operator: "exists" }] })] },
      "rules.0.conditions.0.name",
    ],
    [{ overrides: { nobody: "off" } }, "overrides.nobody"],
    [{ overrides: { "null-byte": "off" } }, "overrides.null-byte"],
    [
      { allowances: [{ rule: "sqli-union", endpoint: "GET /x", field: "body.a", until: "2026-12-31T00:00:00Z" }] },
      "allowances.0.endpoint",
    ],
    [
      { allowances: [{ rule: "sqli-union", endpoint: groups, field: "body.a", until: "2099-01-01T00:00:00Z" }] },
      "allowances.0.until",
    ],
    [{ allowances: [{ rule: "sqli-union", endpoint: groups, field: "body.a", until: "never" }] }, "allowances.0.until"],
  ])("can't be %j, and the answer says where", async (changes, path) => {
    const refused = await put(changes);
    expect([refused.status, refused.body.errors?.[0]?.path]).toEqual([422, path]);
    expect((await ask("GET", "")).body).toMatchObject(defaultWafPolicy);
  });

  it("is changed by owners and admins who have proved themselves, seen by readers, and nobody else's", async () => {
    const body = { ...defaultWafPolicy, mode: "log", version: await version() };
    const allow = { endpoint: groups, items: [{ rule: "sqli-union", field: "body.name" }], until: later(day) };
    for (const role of ["analyst", "viewer", "readonly"] as const) {
      const { token } = await studio.newMember(org, role);
      const sent = [ask("PUT", "", { body, token }), ask("POST", "/allowances", { body: allow, token })];
      expect([role, ...(await Promise.all(sent)).map(({ status }) => status)]).toEqual([role, 403, 403]);
    }
    const stranger = await studio.newOrg();
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/decisions"],
      ["POST", "/replay"],
      ["POST", "/allowances"],
      ["PUT", ""],
    ] as const) {
      const sent = method === "GET" ? {} : { body: path === "/allowances" ? allow : body };
      const { status } = await ask(method, path, { token: stranger.owner.token, ...sent });
      expect([path, status]).toEqual([path, 404]);
    }
    expect(published()?.mode ?? "block").toBe("block");
  });
});

describe("what the firewall did", () => {
  it("is shown with why, the fragment, and the least that would let it pass", async () => {
    record({}, 7);
    record({ outcome: "pass", score: 0, findings: [] });
    record({ score: 0, rules: ["no curl"], findings: [] });
    const { body } = await ask("GET", "/decisions");
    expect(body.items).toHaveLength(2);
    expect(body.items[0]).toMatchObject({
      outcome: "block",
      count: 7,
      endpoint: groups,
      country: "IN",
      findings: [{ rule: "sqli-union", class: "sql_injection", severity: "critical", fragment: "x' union select" }],
      allow: [{ rule: "sqli-union", field: "body.name" }],
    });
    expect(body.items[0].findings[0].why).toContain("UNION SELECT");
    expect(body.items[1]).toMatchObject({ own_rules: ["no curl"], allow: null });
  });

  it("proposes no more signs than it takes, in each text that weighs too much, and never the floor", async () => {
    const sign = (id: string, input: number, field: string) => ({ rule: id, input, field, fragment: null }) as never;
    record({ findings: [sign("nosql-operator", 1, "body.a"), sign("sqli-union", 1, "body.a")] });
    record({
      findings: [sign("sqli-union", 1, "body.a"), sign("sqli-union", 2, "body.b"), sign("nosql-operator", 3, "body.c")],
    });
    record({ findings: [sign("sqli-union", 1, "body.a"), sign("null-byte", 1, "body.a")] });
    const { body } = await ask("GET", "/decisions");
    expect(body.items.map(({ allow }: { allow: unknown }) => allow)).toEqual([
      [{ rule: "sqli-union", field: "body.a" }],
      [
        { rule: "sqli-union", field: "body.a" },
        { rule: "sqli-union", field: "body.b" },
      ],
      null,
    ]);
  });

  it("is allowed for one rule, one endpoint, one field and some days, once, and on record", async () => {
    const body = { endpoint: groups, items: [{ rule: "sqli-union", field: "body.name" }], until: later(day) };
    const done = await ask("POST", "/allowances", { body });
    const allowance = { rule: "sqli-union", endpoint: groups, field: "body.name" };
    expect([done.status, done.body.allowances]).toEqual([201, [{ ...allowance, until: later(day) }]]);
    expect(studio.audit.of(done.requestId).map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ type: "policy_change", policy: "waf_allowance" }),
    );
    await ask("POST", "/allowances", { body: { ...body, until: later(2 * day) } });
    expect(published()?.allowances).toEqual([{ ...allowance, until: later(2 * day) }]);
  });

  it.each([
    [{ items: [{ rule: "null-byte", field: "body.name" }] }, "allowances.0.rule"],
    [{ items: [{ rule: "sqli-union", field: "everything" }] }, "allowances.0.field"],
    [{ endpoint: "POST /api/v1/auth/login" }, "allowances.0.endpoint"],
    [{ until: "2020-01-01T00:00:00Z" }, "until"],
    [{ until: "2099-01-01T00:00:00Z" }, "allowances.0.until"],
    [{ items: [] }, "items"],
  ])("can't be allowed with %j", async (changes, path) => {
    const body = {
      endpoint: groups,
      items: [{ rule: "sqli-union", field: "body.name" }],
      until: later(day),
      ...changes,
    };
    const refused = await ask("POST", "/allowances", { body });
    expect([refused.status, refused.body.errors?.[0]?.path]).toEqual([422, path]);
    expect(published()?.allowances ?? []).toEqual([]);
  });
});

describe("a replay", () => {
  const replay = async (changes: object) => {
    const { status, body } = await ask("POST", "/replay", { body: { ...defaultWafPolicy, ...changes } });
    return [status, body.requests, body.newly_refused, body.newly_passed, body.undetermined];
  };

  it("says what would pass that is refused, and the other way round, and changes nothing", async () => {
    record({}, 5);
    record(
      { outcome: "pass", score: 4, findings: [{ rule: "nosql-operator", input: 0, field: "query.a", fragment: null }] },
      3,
    );
    record({ outcome: "pass", score: 0, findings: [], userAgent: "curl/8" }, 2);
    expect(await replay({})).toEqual([200, 10, 0, 0, 0]);
    expect(await replay({ mode: "log" })).toEqual([200, 10, 0, 5, 0]);
    expect(await replay({ overrides: { "sqli-union": "off" } })).toEqual([200, 10, 0, 5, 0]);
    expect(await replay({ sensitivity: "high" })).toEqual([200, 10, 3, 0, 0]);
    expect(await replay({ rules: [rule()] })).toEqual([200, 10, 2, 0, 0]);
    const allowances = [{ rule: "sqli-union", endpoint: groups, field: "body.name", until: later(day) }];
    expect(await replay({ allowances })).toEqual([200, 10, 0, 5, 0]);
    expect(await replay({ allowances: [{ ...allowances[0], field: "body.other" }] })).toEqual([200, 10, 0, 0, 0]);
    expect(published()?.mode ?? "block").toBe("block");
  });

  it("is by the policy that is in force: what it refuses already is no news", async () => {
    record({ outcome: "pass", score: 0, findings: [], userAgent: "curl/8" }, 2);
    await put({ rules: [rule()] });
    expect(await replay({ rules: [rule()] })).toEqual([200, 2, 0, 0, 0]);
    expect(await replay({ rules: [rule(), rule({ name: "again" })] })).toEqual([200, 2, 0, 0, 0]);
    expect(await replay({ rules: [] })).toEqual([200, 2, 0, 2, 0]);
  });

  it("never guesses: what a rule asks for and was not kept is counted apart", async () => {
    record({ outcome: "pass", score: 0, findings: [] }, 4);
    const asks = (condition: object) => ({ rules: [rule({ conditions: [condition] })] });
    expect(await replay(asks({ field: "header", name: "x-client", operator: "exists" }))).toEqual([200, 4, 0, 0, 4]);
    expect(await replay(asks({ field: "ip", operator: "in", values: ["203.0.113.9"] }))).toEqual([200, 4, 0, 0, 4]);
    expect(await replay(asks({ field: "ip", operator: "in", values: ["203.0.112.0/23"] }))).toEqual([200, 4, 4, 0, 0]);
    expect(await replay(asks({ field: "ip", operator: "in", values: ["198.51.100.0/24"] }))).toEqual([200, 4, 0, 0, 0]);
    record({ partial: true, findings: [] }, 9);
    expect(await replay({ mode: "log" })).toEqual([200, 13, 0, 0, 9]);
  });

  it("asks own rules of no way back, as the edge does", async () => {
    record({ outcome: "pass", score: 0, findings: [], endpoint: "POST /api/v1/orgs/{org}/auth/login" }, 2);
    record({ outcome: "pass", score: 0, findings: [], endpoint: "GET /o/{org}/{page*}" }, 2);
    const everything = rule({ conditions: [{ field: "endpoint", operator: "in", values: [groups], not: true }] });
    expect(await replay({ rules: [everything] })).toEqual([200, 4, 0, 0, 0]);
  });
});
