/** Months whose seven years are over, as the data Worker tells, reads and detaches them. */
import { beforeAll, describe, expect, it } from "vitest";
import type { MonthEntry } from "../../../core/audit/month-archive.ts";

import { type DueMonth, monthEntriesMax, type SinkEntry } from "../../../core/rpc/data.ts";
import { dueMonths, readMonth, retiredMonths, retireMonth } from "../../../workers/data/audit-sink/months.ts";
import { writeEntries } from "../../../workers/data/audit-sink/write-entries.ts";
import type { DataUnit } from "../../../workers/data/unit.ts";
import { newOrgId, newRequestId, runAs } from "../support.ts";
import { twoPlacements } from "./migrations-kit.ts";
import { createDataWorld, type DataWorld, refusedBecause, sinkEntry } from "./support.ts";

let world: DataWorld;
let unit: DataUnit;
/** Of the first placement. */
let owner: string;
beforeAll(async () => {
  world = await createDataWorld();
  const own = await twoPlacements();
  unit = { ...world.unit, config: own.config };
  owner = own.urls[0].url;
});

const call = () => world.mesh.caller("durable-objects").asJob("data.audit-sink", "audit_drain", null, newRequestId());
const entryAt = (log: string, seq: number, at: string): SinkEntry =>
  sinkEntry(log, seq, { type: "policy_change", user_id: null, policy: "geo" }, { at });
/** Opens a month as only the owner can, and fills it as a log drains. */
async function fill(month: string, entries: readonly SinkEntry[]): Promise<void> {
  await runAs(owner, "SELECT audit.open_month($1)", [`${month}-01`]);
  for (let from = 0; from < entries.length; from += 500)
    await writeEntries(unit, await call(), entries.slice(from, from + 500));
}
async function everything(of: DueMonth): Promise<MonthEntry[]> {
  const found: MonthEntry[] = [];
  for (;;) {
    const page = await readMonth(unit, await call(), of, found.at(-1) ?? null);
    expect(page.length).toBeLessThanOrEqual(monthEntriesMax);
    if (page.length === 0) return found;
    found.push(...page);
  }
}

describe("months of the audit table", () => {
  it("are due on no placement while none is seven years old", async () => {
    expect(await dueMonths(unit, await call())).toEqual([]);
  });

  it("are due one after the other, the oldest first, read whole and detached with as many entries as they have", async () => {
    const log = "platform-1";
    const many = Array.from({ length: monthEntriesMax + 20 }, (_, index) =>
      entryAt(log, index + 1, new Date(Date.UTC(2017, 1, 1) + index * 1000).toISOString()),
    );
    const others = [1, 2].map((seq) => entryAt("platform-2", seq, "2017-02-28T23:59:59.999Z"));
    await fill("2017-03", [entryAt(log, many.length + 1, "2017-03-01T00:00:00.000Z")]);
    await fill("2017-02", [...many, ...others]);
    const [first] = await dueMonths(unit, await call());
    expect(first).toEqual({ placement: "one", month: "2017-02" });
    const of = first as DueMonth;
    const found = await everything(of);
    expect(found).toEqual(
      [...many, ...others].map(({ entry, leafJson }) => ({ log: entry.log, seq: entry.seq, leafJson })),
    );
    const seal = "b".repeat(64);
    await expect(retireMonth(unit, await call(), of, found.length - 1, seal)).rejects.toMatchObject({ code: "XX001" });
    await retireMonth(unit, await call(), of, found.length, seal);
    await retireMonth(unit, await call(), of, found.length, seal);
    expect(await everything(of)).toEqual([]);
    expect(await retiredMonths(unit, await call())).toEqual([{ ...of, entries: found.length, seal }]);
    expect(await dueMonths(unit, await call())).toEqual([{ placement: "one", month: "2017-03" }]);
    expect(await runAs(owner, "SELECT month::text, entries::int, seal FROM audit.retired_months")).toEqual([
      { month: "2017-02-01", entries: found.length, seal },
    ]);
  });

  it("are for the platform's clock alone: no organisation's call tells, reads or detaches one", async () => {
    const of = { placement: "one", month: "2017-03" };
    const wrong = () =>
      world.mesh.caller("durable-objects").asJob("data.audit-sink", "audit_drain", newOrgId(), newRequestId());
    expect(await refusedBecause(wrong().then((asked) => dueMonths(unit, asked)))).toBe("wrong_org");
    expect(await refusedBecause(wrong().then((asked) => retiredMonths(unit, asked)))).toBe("wrong_org");
    expect(await refusedBecause(wrong().then((asked) => readMonth(unit, asked, of, null)))).toBe("wrong_org");
    expect(await refusedBecause(wrong().then((asked) => retireMonth(unit, asked, of, 1, "c".repeat(64))))).toBe(
      "wrong_org",
    );
  });

  it("are refused by their names: no month, and no placement of ours", async () => {
    for (const of of [
      { placement: "one", month: "2017-13" },
      { placement: "one", month: "2017-03'; DROP TABLE audit.events; --" },
      { placement: "three", month: "2017-03" },
    ]) {
      await expect(readMonth(unit, await call(), of, null)).rejects.toBeInstanceOf(RangeError);
      await expect(retireMonth(unit, await call(), of, 0, "c".repeat(64))).rejects.toBeInstanceOf(RangeError);
    }
  });
});
