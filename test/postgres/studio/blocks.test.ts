/** What was refused of late, added up from what the logs keep anyway. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TrafficOrigin } from "../../../core/tenancy/geo-traffic.ts";
import type { WafRecord } from "../../../core/tenancy/waf-record.ts";
import { topMax } from "../../../workers/studio/waf/blocks.ts";
import { createHarness, type Harness, type SendOptions } from "./harness.ts";

let studio: Harness;
let org: Awaited<ReturnType<Harness["newOrg"]>>;
beforeAll(async () => {
  studio = await createHarness();
});
beforeEach(async () => {
  studio.audit.waf.length = 0;
  studio.audit.traffic.length = 0;
  org = await studio.newOrg();
});

const ask = (query = "", options: SendOptions = {}) =>
  studio.send("GET", `/api/v1/orgs/${org.slug}/blocks${query}`, { token: org.owner.token, ...options });
const dayMs = 24 * 3600_000;

function record(changes: Partial<WafRecord>, count = 1, daysAgo = 0): void {
  const its: WafRecord = {
    outcome: "block",
    score: 5,
    rules: [],
    endpoint: "POST /api/v1/orgs/{org}/groups",
    country: "IN",
    asn: 55836,
    network: "203.0.113.0/24",
    userAgent: "Mozilla/5.0",
    findings: [{ rule: "sqli-union", input: 0, field: "body.name", fragment: null }],
    partial: false,
    ...changes,
  };
  const atMs = studio.clock.nowMs - daysAgo * dayMs;
  studio.audit.waf.push({ id: String(studio.audit.waf.length), record: its, count, firstAtMs: atMs, lastAtMs: atMs });
}
function traffic(changes: Partial<TrafficOrigin>, count = 1): void {
  const origin = { surface: "api", country: "US", asn: 0, network: "198.51.100.0/24", admitted: false } as const;
  studio.audit.traffic.push({ ...origin, ...changes, count });
}
const finding = (rule: "sqli-union" | "sqli-comment", field = "body.name") => ({
  rule,
  input: 0,
  field,
  fragment: null,
});

describe("what was refused of late", () => {
  it("is added up by country, kind, rule and network, each request once in each", async () => {
    record({ findings: [finding("sqli-union"), finding("sqli-union", "body.note"), finding("sqli-comment")] }, 5);
    record({ country: "US", network: "", rules: ["no curl"], findings: [] }, 2);
    traffic({}, 4);
    traffic({ country: "IN", network: "203.0.113.0/24" }, 1);
    const { status, body } = await ask();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      refused: { firewall: 7, geo: 5 },
      countries: [
        { country: "IN", firewall: 5, geo: 1 },
        { country: "US", firewall: 2, geo: 4 },
      ],
      classes: [{ class: "sql_injection", count: 5 }],
      rules: [
        { rule: "sqli-comment", own: false, count: 5 },
        { rule: "sqli-union", own: false, count: 5 },
        { rule: "no curl", own: true, count: 2 },
      ],
      networks: [
        { network: "203.0.113.0/24", country: "IN", firewall: 5, geo: 1 },
        { network: "198.51.100.0/24", country: "US", firewall: 0, geo: 4 },
      ],
    });
  });

  it("is what was refused, not what was only found or let in, and of today unless a week is asked for", async () => {
    record({ outcome: "log" }, 3);
    record({ outcome: "pass", findings: [] }, 100);
    traffic({ admitted: true }, 100);
    record({}, 8, 3);
    expect((await ask()).body.refused).toEqual({ firewall: 0, geo: 0 });
    expect((await ask("?days=1")).body).toMatchObject({ refused: { firewall: 0 }, countries: [], rules: [] });
    const week = await ask("?days=7");
    expect(week.body.refused).toEqual({ firewall: 8, geo: 0 });
    const midnight = Math.floor(studio.clock.nowMs / dayMs) * dayMs;
    expect(Date.parse(week.body.since)).toBe(midnight - 6 * dayMs);
    for (const query of ["?days=2", "?days=30", "?since=0"]) expect((await ask(query)).status).toBe(422);
  });

  it("names few networks and rules of however many an attack has, and the sums are whole", async () => {
    for (let at = 0; at < 200; at += 1) record({ network: `10.0.${at}.0/24`, rules: [`r${at}`], findings: [] }, 1 + at);
    const { body } = await ask();
    expect([body.networks.length, body.rules.length]).toEqual([topMax, topMax]);
    expect(body.networks[0]).toMatchObject({ network: "10.0.199.0/24", firewall: 200 });
    expect(body.refused.firewall).toBe((200 * 201) / 2);
    expect(body.countries).toEqual([{ country: "IN", firewall: (200 * 201) / 2, geo: 0 }]);
  });

  it("is for who may read the log, and of the own organisation", async () => {
    for (const role of ["analyst", "viewer"] as const)
      expect((await ask("", { token: (await studio.newMember(org, role)).token })).status).toBe(403);
    expect((await ask("", { token: (await studio.newOrg()).owner.token })).status).toBe(404);
  });
});
