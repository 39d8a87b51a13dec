import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type KeptBackup, keptMsMin, type Retention, retentionOf, tooOld } from "../../../core/backup/retention.ts";
import { makeId } from "../../../core/ids.ts";

const dayMs = 86_400_000;
const now = Date.UTC(2026, 10, 22, 12);
const at = (atMs: number): KeptBackup => ({ id: makeId("backup", atMs, randomBytes(10)), atMs });
const daily = (days: number, endMs = now): KeptBackup[] =>
  Array.from({ length: days }, (_, n) => at(endMs - n * dayMs));
const kept = (backups: readonly KeptBackup[], retention: Retention, nowMs = now): string[] => {
  const gone = new Set(tooOld(backups, retention, nowMs));
  return backups.filter(({ id }) => !gone.has(id)).map(({ atMs }) => new Date(atMs).toISOString().slice(0, 10));
};

describe("what is kept", () => {
  it("is the newest of seven days, four weeks and twelve months, of a school that backs up every night", () => {
    const days = kept(daily(500), retentionOf.school);
    expect(days.slice(0, 7)).toEqual(daily(7).map(({ atMs }) => new Date(atMs).toISOString().slice(0, 10)));
    // Sundays end their weeks, and last days their months.
    expect(days.slice(7)).toEqual([
      "2026-11-15",
      "2026-11-08",
      "2026-11-01",
      ...["2026-10-31", "2026-09-30", "2026-08-31", "2026-07-31", "2026-06-30", "2026-05-31"],
      ...["2026-04-30", "2026-03-31", "2026-02-28", "2026-01-31", "2025-12-31"],
    ]);
  });

  it("is a week on the free plan", () => {
    expect(kept(daily(100), retentionOf.free)).toHaveLength(7);
  });

  it("is all that there is when nothing was added for years: no calendar takes the last ones away", () => {
    expect(kept(daily(7, now - 900 * dayMs), retentionOf.free)).toHaveLength(7);
  });

  const backups = fc
    .array(fc.integer({ min: 0, max: 800 * 24 }), { maxLength: 120 })
    .map((hours) => hours.map((hour) => at(now - hour * 3_600_000)));
  const retention = fc.record({ days: fc.nat(20), weeks: fc.nat(10), months: fc.nat(15) });

  it("holds the newest always, nothing that is young is deleted, and doing it again deletes nothing more", () => {
    fc.assert(
      fc.property(backups, retention, (given, keep) => {
        const gone = tooOld(given, keep, now);
        const left = given.filter(({ id }) => !gone.includes(id));
        if (given.length > 0)
          expect(Math.max(...left.map(({ atMs }) => atMs))).toBe(Math.max(...given.map(({ atMs }) => atMs)));
        for (const { id, atMs } of given) if (atMs >= now - keptMsMin) expect(gone).not.toContain(id);
        expect(tooOld(left, keep, now)).toEqual([]);
      }),
    );
  });

  it("is bounded: no more than its days, weeks and months together, beside what is young", () => {
    fc.assert(
      fc.property(backups, retention, (given, keep) => {
        const gone = new Set(tooOld(given, keep, now));
        const old = given.filter(({ id, atMs }) => !gone.has(id) && atMs < now - keptMsMin);
        expect(old.length).toBeLessThanOrEqual(Math.max(1, keep.days) + keep.weeks + keep.months);
      }),
    );
  });
});
