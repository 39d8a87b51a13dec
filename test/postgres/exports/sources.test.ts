/** What each source and format gives. */
import { unzipSync } from "fflate";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sql } from "../../../store/connect.ts";
import type { Organisation } from "../../attack/tenant/whole-kit.ts";
import type { Account } from "../studio/harness.ts";
import { createExportsKit, type ExportsKit, tableOf } from "./kit.ts";

let kit: ExportsKit;
let org: Organisation;
let analyst: Account;
beforeAll(async () => {
  kit = await createExportsKit();
  org = await kit.organisation();
  analyst = await kit.newMember(org, "analyst");
}, 180_000);
beforeEach(() => {
  kit.clock.nowMs = Date.now();
});

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe("telemetry", () => {
  it("is every reading in the time that was asked for, of those devices, across steps, once", async () => {
    const device = org.things["device"] ?? "";
    const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000;
    const samples = Array.from({ length: 1_500 }, (_, at) => ({
      device,
      sample: `tel_${String(at).padStart(26, "0")}`,
      at_ms: startMs + at * 1_000,
      received_ms: startMs + at * 1_000,
      metrics: { cpu: at, temperature: -at / 2 },
    }));
    const timeOf = (sample: number): string => new Date(startMs + sample * 1_000).toISOString();
    await org.tenant.run("system", null, sql`SELECT telemetry_store(${JSON.stringify(samples)}::json)`);
    kit.clock.nowMs = Date.now();
    const wanted = { source: "telemetry", format: "jsonl", devices: [device] } as const;
    const all = linesOf(await kit.made(org, org.owner, wanted));
    expect(all.length).toBe(3_000);
    expect(new Set(all.map(({ at, metric }) => `${at} ${metric}`)).size).toBe(3_000);
    expect(all[3]).toEqual({
      device_id: device,
      at: timeOf(1),
      received_at: timeOf(1),
      metric: "temperature",
      value: -0.5,
    });
    const [from, to] = [timeOf(10), timeOf(20)];
    expect(linesOf(await kit.made(org, org.owner, { ...wanted, from, to })).length).toBe(20);
    expect(tableOf(await kit.made(org, org.owner, { ...wanted, format: "csv", from, to }))[1]?.["value"]).toBe("-5");
    // Whoever sees no device sees no reading of it either.
    expect(linesOf(await kit.made(org, analyst, wanted))).toEqual([]);
  });
});

describe("documents", () => {
  it("are what is known of those that one sees, and of those alone that were named", async () => {
    const all = linesOf(await kit.made(org, org.owner, { source: "documents", format: "jsonl" }));
    // By their ids, which two of one millisecond get in any order.
    expect(all.map(({ name }) => name).toSorted()).toEqual(["one.txt", "two.txt"]);
    expect(all[0]).toMatchObject({ size_bytes: 3, type: "text/plain", owner: org.owner.id, version: 1 });
    const named = { source: "documents", format: "jsonl", documents: [org.things["doc"]] } as const;
    expect(linesOf(await kit.made(org, org.owner, named)).map(({ document_id }) => document_id)).toEqual([
      org.things["doc"],
    ]);
    expect(linesOf(await kit.made(org, analyst, named))).toEqual([]);
  });
});

describe("the audit log", () => {
  it("is every entry up to the moment at which it was asked for, oldest first and without a gap", async () => {
    const entries = linesOf(await kit.made(org, org.owner, { source: "audit", format: "jsonl" }));
    expect(entries.length).toBeGreaterThan(10);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, at) => at + 1));
    const to = String(entries[5]?.["at"]);
    const before = linesOf(await kit.made(org, org.owner, { source: "audit", format: "jsonl", to }));
    expect(before.every(({ at }) => Date.parse(String(at)) < Date.parse(to))).toBe(true);
  });

  it("is refused where the time ends before it begins", async () => {
    const [from, to] = ["2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z"];
    const sent = await kit.ask(org, org.owner, { source: "audit", format: "csv", from, to });
    expect([sent.status, sent.body.code]).toEqual([422, "invalid_request"]);
  });
});

describe("a sheet", () => {
  it("has the rows of all steps behind its head, and is whole", async () => {
    const id = await kit.begin(org, org.owner, { source: "inventory", format: "xlsx" });
    await kit.turn(id);
    const { bytes, state } = await kit.show(org, org.owner, id);
    expect(state).toBe("done");
    const order = await kit.openResult(org, id);
    expect(order.length).toBe(bytes);
    const sheet = new TextDecoder().decode(unzipSync(order)["xl/worksheets/sheet1.xml"]);
    expect(sheet).toContain("device_id");
    expect(sheet).toContain(String(org.things["device"]));
    expect(sheet.match(/<row /g)?.length).toBe(3);
  });
});
