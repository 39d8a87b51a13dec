import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import type { OrgId } from "../../../core/ids.ts";
import type { EdgeTraffic, EdgeWafRecord } from "../../../core/rpc/durable-objects.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
import { originsPerDayMax } from "../../../durable-objects/audit-log/geo-traffic.ts";
import { entrypoints, newOrg, newRequest, newUser, objects, passTime, stopClock, userCall } from "./harness.ts";

beforeAll(stopClock);

const dayMs = 24 * 3600_000;
const row = (org: OrgId, changes: Partial<EdgeTraffic> = {}): EdgeTraffic => ({
  org,
  surface: "api",
  country: "IN",
  asn: 55836,
  network: "203.0.113.0/24",
  admitted: true,
  count: 1,
  ...changes,
});
const wafRow = (org: OrgId): EdgeWafRecord => ({
  org,
  record: {
    outcome: "block",
    score: 5,
    rules: [],
    endpoint: "GET /api/v1/orgs/{org}/devices",
    country: "IN",
    asn: 55836,
    network: "203.0.113.0/24",
    userAgent: "curl/8",
    findings: [],
    partial: false,
  },
  count: 1,
  firstAtMs: Date.now(),
  lastAtMs: Date.now(),
});
const logOf = (org: OrgId) => objects.AUDIT_LOG.getByName(org) as unknown as DurableObjectStub<AuditLog>;
const rowsOf = (org: OrgId) =>
  runInDurableObject(logOf(org), (_log: AuditLog, state) =>
    Number(state.storage.sql.exec("SELECT count(*) AS n FROM geo_traffic").one()["n"]),
  );
async function read(org: OrgId, role: "owner" | "viewer" = "owner", days?: number) {
  const call = await userCall("durable-objects.audit-reader", org, newRequest(), newUser(), role);
  return await entrypoints.AuditReader.traffic(call, days);
}

describe("requests by where they came from", () => {
  it("add up over days and evictions, each organisation's apart, and are gone after thirty days", async () => {
    const [org, other] = [newOrg(), newOrg()];
    await entrypoints.EdgeEvents.traffic([row(org, { count: 3 }), row(other), row(org, { country: "DE", count: 2 })]);
    await evictDurableObject(logOf(org));
    passTime(dayMs);
    await entrypoints.EdgeEvents.traffic([row(org, { count: 4 }), row(org, { admitted: false, country: "US" })]);
    const { org: _, ...origin } = row(org);
    expect(await read(org)).toEqual([
      { ...origin, count: 7 },
      { ...origin, country: "DE", count: 2 },
      { ...origin, country: "US", admitted: false, count: 1 },
    ]);
    expect(await read(org, "owner", 1)).toEqual([
      { ...origin, count: 4 },
      { ...origin, country: "US", admitted: false, count: 1 },
    ]);
    for (const days of [0, 31, 1.5]) await expect(read(org, "owner", days)).rejects.toThrow("not a number of days");
    passTime(29 * dayMs);
    expect(await read(org)).toEqual([
      { ...origin, count: 4 },
      { ...origin, country: "US", admitted: false, count: 1 },
    ]);
    passTime(2 * dayMs);
    expect(await read(org)).toEqual([]);
    await entrypoints.EdgeEvents.traffic([row(org)]);
    expect(await rowsOf(org)).toBe(1);
  });

  it("are gone after thirty days though nobody asks, as of an organisation that was deleted, and so are records", async () => {
    const org = newOrg();
    await entrypoints.EdgeEvents.traffic([row(org)]);
    await entrypoints.EdgeEvents.waf([wafRow(org)]);
    passTime(dayMs);
    await entrypoints.EdgeEvents.traffic([row(org)]);
    const kept = (table: string) =>
      runInDurableObject(logOf(org), (_log: AuditLog, state) =>
        Number(state.storage.sql.exec(`SELECT count(*) AS n FROM ${table}`).one()["n"]),
      );
    const rung = async (days: number) => {
      passTime(days * dayMs);
      await evictDurableObject(logOf(org));
      expect(await runDurableObjectAlarm(logOf(org))).toBe(true);
      return [await kept("geo_traffic"), await kept("waf_records")];
    };
    expect(await rung(6)).toEqual([2, 0]);
    expect(await rung(23)).toEqual([1, 0]);
    expect(await rung(1)).toEqual([0, 0]);
    // Nothing is left to come back for.
    expect(await runDurableObjectAlarm(logOf(org))).toBe(false);
  });

  it("stay few however many origins a flood has: the rest of a day is counted by country", async () => {
    const org = newOrg();
    for (let batch = 0; batch < 3; batch += 1) {
      const rows = Array.from({ length: 500 }, (_item, at) =>
        row(org, { network: `10.${batch}.${at & 255}.0/24`, asn: 1 + at }),
      );
      await entrypoints.EdgeEvents.traffic(rows);
    }
    expect(await rowsOf(org)).toBe(originsPerDayMax + 1);
    const counts = await read(org);
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(1500);
    expect(counts[0]).toMatchObject({ country: "IN", asn: 0, network: "", count: 500 });
  });

  it("are refused whole when one of them is not what our edge counts", async () => {
    const org = newOrg();
    const broken: object[] = [
      { org: "org_x" },
      { surface: "moon" },
      { country: "in" },
      { asn: -1 },
      { asn: 2 ** 32 },
      { network: "203.0.113.7/24" },
      { admitted: "yes" },
      { count: 0 },
      { count: 1.5 },
    ];
    for (const changes of broken) {
      const rows = [row(org), row(org, changes as Partial<EdgeTraffic>)];
      await expect((async () => await entrypoints.EdgeEvents.traffic(rows))()).rejects.toThrow("not a");
    }
    const many = Array.from({ length: 1001 }, () => row(org));
    await expect((async () => await entrypoints.EdgeEvents.traffic(many))()).rejects.toThrow("not a report");
    expect(await read(org)).toEqual([]);
  });

  it("are read by those who read the log, of their own organisation", async () => {
    const org = newOrg();
    await entrypoints.EdgeEvents.traffic([row(org)]);
    expect(await read(newOrg())).toEqual([]);
    await expect(read(org, "viewer")).rejects.toThrow("not_granted");
  });
});
