import { describe, expect, it } from "vitest";
import type { EdgeWafRecord } from "../../../core/rpc/durable-objects.ts";
import { parseWafRecord, type WafRecord } from "../../../core/tenancy/waf-record.ts";
import { createWafRecorder, wafRecordRowsMax } from "../../../workers/edge/waf-records.ts";
import { nowMs, orgId, otherOrgId } from "./contexts.ts";

const record = (changes: Partial<WafRecord> = {}): WafRecord => ({
  outcome: "block",
  score: 5,
  rules: [],
  endpoint: "POST /api/v1/orgs/{org}/groups",
  country: "IN",
  asn: 55836,
  network: "203.0.113.0/24",
  userAgent: "curl/8",
  findings: [{ rule: "sqli-union", input: 0, field: "body.name", fragment: "x' union" }],
  partial: false,
  ...changes,
});
const at = (field: string, fragment = "x"): WafRecord =>
  record({ findings: [{ rule: "sqli-union", input: 0, field, fragment }] });

function recorder() {
  let clock = nowMs;
  const reports: EdgeWafRecord[][] = [];
  const made = createWafRecorder(() => clock);
  const events = { waf: async (rows: readonly EdgeWafRecord[]) => void reports.push([...rows]) };
  return { made, reports, events, pass: (ms: number) => (clock += ms) };
}
const atOnce = async (): Promise<void> => undefined;

describe("records of judged requests", () => {
  it("are one where requests were alike, whatever the fragment was, and apart for each organisation", async () => {
    const { made, reports, events, pass } = recorder();
    made.count(orgId, at("body.name", "first"));
    pass(1000);
    made.count(orgId, at("body.name", "second"));
    made.count(otherOrgId, at("body.name"));
    made.count(orgId, at("body.title"));
    await made.reportLater(events, atOnce);
    expect(reports[0]?.map(({ org, count, firstAtMs, lastAtMs }) => [org, count, lastAtMs - firstAtMs])).toEqual([
      [orgId, 2, 1000],
      [otherOrgId, 1, 0],
      [orgId, 1, 0],
    ]);
    expect(reports[0]?.[0]?.record.findings[0]?.fragment).toBe("first");
    await made.reportLater(events, atOnce);
    expect(reports).toHaveLength(1);
  });

  it("stay few and whole in number however a flood varies itself, each as the log takes it", async () => {
    const { made, reports, events } = recorder();
    for (let request = 0; request < 5000; request += 1) made.count(orgId, at(`query.a${request}`));
    await made.reportLater(events, atOnce);
    const [rows = []] = reports;
    expect(rows).toHaveLength(wafRecordRowsMax + 1);
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(5000);
    expect(rows.at(-1)?.record).toMatchObject({ partial: true, findings: [], network: "", userAgent: "" });
    for (const row of rows) expect(parseWafRecord(JSON.parse(JSON.stringify(row.record)))).toEqual(row.record);
  });

  it("that could not be reported are given up: they decide nothing", async () => {
    const { made, reports, events } = recorder();
    made.count(orgId, record());
    await made.reportLater({ waf: () => Promise.reject(new Error("down")) }, atOnce);
    await made.reportLater(events, atOnce);
    expect(reports).toEqual([]);
  });
});
