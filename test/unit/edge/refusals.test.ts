import { afterEach, describe, expect, it, vi } from "vitest";
import type { EdgeRefusals } from "../../../core/rpc/durable-objects.ts";
import { createRefusalCounter, refusalRowsMax, reportEveryMs } from "../../../workers/edge/refusals.ts";
import { orgId } from "./contexts.ts";

function setup(report: (rows: readonly EdgeRefusals[]) => Promise<void> = async () => undefined) {
  let atMs = 1_000;
  const reports: (readonly EdgeRefusals[])[] = [];
  const pauses: { ms: number; end: () => void }[] = [];
  const counter = createRefusalCounter(() => atMs);
  const events = {
    report: async (rows: readonly EdgeRefusals[]) => {
      reports.push(rows);
      await report(rows);
    },
  };
  const pause = (ms: number): Promise<void> => new Promise((resolve) => pauses.push({ ms, end: resolve }));
  return {
    counter,
    reports,
    pauses,
    later: () => counter.reportLater(events, pause),
    pass: (ms: number) => (atMs += ms),
  };
}
const geo = { org: orgId, gate: "geo", code: "geo_denied", country: "US" };

afterEach(() => vi.restoreAllMocks());

describe("counting refusals", () => {
  it("folds a flood into one row and one report", async () => {
    const { counter, reports, pauses, later, pass } = setup();
    const waiting: (Promise<void> | null)[] = [];
    for (let index = 0; index < 1000; index += 1) {
      counter.count(geo);
      waiting.push(later());
      pass(1);
    }
    expect(pauses.map(({ ms }) => ms)).toEqual([reportEveryMs]);
    // Whoever waits for nothing keeps no request alive.
    expect(waiting.filter((wait) => wait !== null)).toHaveLength(1);
    pauses[0]!.end();
    await Promise.all(waiting);
    expect(reports).toEqual([[{ ...geo, count: 1000, firstAtMs: 1_000, lastAtMs: 1_999 }]]);
  });

  it("keeps organisation, gate, code and country apart", async () => {
    const { counter, reports, pauses, later } = setup();
    counter.count(geo);
    counter.count({ ...geo, org: null });
    counter.count({ ...geo, country: "T1" });
    counter.count({ ...geo, country: { toString: () => "forged" } });
    counter.count({ ...geo, gate: "waf", code: "waf_denied" });
    const done = later();
    pauses[0]!.end();
    await done;
    expect(reports[0]!.map(({ org, gate, country }) => [org, gate, country])).toEqual([
      [orgId, "geo", "US"],
      [null, "geo", "US"],
      [orgId, "geo", "T1"],
      [orgId, "geo", "XX"],
      [orgId, "waf", "US"],
    ]);
  });

  it("stays bounded, whatever comes, and loses no count", async () => {
    const { counter, reports, pauses, later } = setup();
    for (let index = 0; index < 3 * refusalRowsMax; index += 1)
      counter.count({ ...geo, code: `code_${index % (refusalRowsMax + 5)}` });
    for (let index = 0; index < 26 * 26; index += 1)
      counter.count({ ...geo, country: String.fromCharCode(65 + (index % 26), 65 + Math.floor(index / 26)) });
    const done = later();
    pauses[0]!.end();
    await done;
    expect(reports[0]!.length).toBeLessThanOrEqual(refusalRowsMax + 6);
    expect(reports[0]!.reduce((sum, { count }) => sum + count, 0)).toBe(3 * refusalRowsMax + 26 * 26);
  });

  it("keeps the counts of a report that failed, and goes on", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    let fails = true;
    const { counter, reports, pauses, later } = setup(async () => {
      if (fails) throw new Error("down");
    });
    counter.count(geo);
    const first = later();
    pauses[0]!.end();
    await first;
    fails = false;
    counter.count(geo);
    const second = later();
    pauses[1]!.end();
    await second;
    expect(reports[1]).toMatchObject([{ count: 2 }]);
  });

  it("is taken over when the request that waited was cancelled", async () => {
    const { counter, pauses, later, pass } = setup();
    counter.count(geo);
    void later();
    pass(2 * reportEveryMs);
    void later();
    expect(pauses).toHaveLength(2);
  });

  it("does not call when there is nothing to say", async () => {
    const { later, pauses } = setup();
    await later();
    expect(pauses).toEqual([]);
  });
});
