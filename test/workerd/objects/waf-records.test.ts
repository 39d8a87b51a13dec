import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import type { EdgeWafRecord } from "../../../core/rpc/durable-objects.ts";
import type { WafRecord } from "../../../core/tenancy/waf-record.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
import { plainPerDayMax, tellingPerDayMax } from "../../../durable-objects/audit-log/waf-records.ts";
import { entrypoints, newOrg, newRequest, newUser, objects, passTime, stopClock, userCall } from "./harness.ts";

beforeAll(stopClock);

const dayMs = 24 * 3600_000;
const record = (changes: Partial<WafRecord> = {}): WafRecord => ({
  outcome: "block",
  score: 5,
  rules: [],
  endpoint: "POST /api/v1/orgs/{org}/groups",
  country: "IN",
  asn: 55836,
  network: "203.0.113.0/24",
  userAgent: "curl/8",
  findings: [{ rule: "sqli-union", input: 3, field: "body.name", fragment: "x' union" }],
  partial: false,
  ...changes,
});
const plain = record({ outcome: "pass", score: 0, findings: [] });
const row = (org: OrgId, changes: Partial<WafRecord> = {}, count = 1): EdgeWafRecord => {
  const nowMs = Date.now();
  return { org, record: record(changes), count, firstAtMs: nowMs, lastAtMs: nowMs };
};
const logOf = (org: OrgId) => objects.AUDIT_LOG.getByName(org) as unknown as DurableObjectStub<AuditLog>;
const rowsOf = (org: OrgId) =>
  runInDurableObject(logOf(org), (_log: AuditLog, state) =>
    Number(state.storage.sql.exec("SELECT count(*) AS n FROM waf_records").one()["n"]),
  );
async function read(org: OrgId, role: "owner" | "readonly" | "viewer" = "owner") {
  const call = await userCall("durable-objects.audit-reader", org, newRequest(), newUser(), role);
  return await entrypoints.AuditReader.waf(call);
}

describe("what the firewall made of requests", () => {
  it("adds up within a day, over evictions, each organisation's apart, and is gone after seven days", async () => {
    const [org, other] = [newOrg(), newOrg()];
    await entrypoints.EdgeEvents.waf([row(org, {}, 3), row(other), row(org, plain, 2)]);
    await evictDurableObject(logOf(org));
    await entrypoints.EdgeEvents.waf([row(org, {}, 4)]);
    expect((await read(org)).map(({ record: its, count }) => [its, count])).toEqual([
      [record(), 7],
      [plain, 2],
    ]);
    passTime(6 * dayMs);
    expect(await read(org)).toHaveLength(2);
    passTime(2 * dayMs);
    expect(await read(org)).toEqual([]);
    await entrypoints.EdgeEvents.waf([row(org)]);
    expect(await rowsOf(org)).toBe(1);
  });

  it("stays few however a flood varies itself, and what is refused does not push out what passes", async () => {
    const org = newOrg();
    for (let batch = 0; batch < 4; batch += 1) {
      const rows = Array.from({ length: 300 }, (_item, at) =>
        row(org, { findings: [{ rule: "sqli-union", input: 0, field: `query.a${batch * 300 + at}`, fragment: "x" }] }),
      );
      await entrypoints.EdgeEvents.waf(rows);
    }
    expect(await rowsOf(org)).toBe(tellingPerDayMax + 1);
    const rows = Array.from({ length: 500 }, (_item, at) => row(org, { ...plain, asn: at + 1 }));
    await entrypoints.EdgeEvents.waf(rows);
    expect(await rowsOf(org)).toBe(tellingPerDayMax + 1 + plainPerDayMax + 1);
    const counted = (await read(org)).reduce((sum, { count }) => sum + count, 0);
    expect(counted).toBe(4 * 300 + 500);
  });

  it("is read by those who read the log, of their own organisation", async () => {
    const org = newOrg();
    await entrypoints.EdgeEvents.waf([row(org)]);
    expect(await read(org, "readonly")).toHaveLength(1);
    expect(await read(newOrg())).toEqual([]);
    await expect(read(org, "viewer")).rejects.toThrow("not_granted");
  });

  it("is refused whole when one of the records is not what our edge makes", async () => {
    const org = newOrg();
    const finding = { rule: "sqli-union", input: 0, field: "body.a", fragment: null };
    const broken: object[] = [
      { endpoint: "GET /etc/passwd" },
      { country: "india" },
      { network: "here" },
      { outcome: "x" },
      { score: 1.5 },
      { userAgent: "x".repeat(161) },
      { rules: ["a", "b", "c", "d", "e"] },
      { findings: [{ ...finding, rule: "nobody" }] },
      { findings: [{ ...finding, fragment: "x".repeat(81) }] },
      { findings: [{ ...finding, fragment: "a\u0000" }] },
      { findings: [{ ...finding, field: "\u0007" }] },
      { findings: [{ ...finding, input: -1 }] },
      { findings: Array(9).fill(finding) },
    ];
    for (const changes of broken) {
      const rows = [row(org), row(org, changes as Partial<WafRecord>)];
      await expect((async () => await entrypoints.EdgeEvents.waf(rows))()).rejects.toThrow("not a record");
    }
    const many = Array.from({ length: 601 }, () => row(org));
    await expect((async () => await entrypoints.EdgeEvents.waf(many))()).rejects.toThrow("not a report");
    expect(await read(org)).toEqual([]);
  });
});
