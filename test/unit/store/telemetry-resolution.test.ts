import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planTelemetry, rawRangeMsMax, retentionMin, slotSeconds } from "../../../store/tenant/telemetry-resolution.ts";

const nowMs = Date.UTC(2026, 5, 15, 12, 34, 56, 789);
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const kept = { rawDays: 30, minuteDays: 180 };
const ask = (agoMs: number, spanMs: number, stepSeconds: number) =>
  planTelemetry({ fromMs: nowMs - agoMs, toMs: nowMs - agoMs + spanMs, stepSeconds }, nowMs, kept);

describe("the resolution of a range", () => {
  it.each([
    ["the last hour by the minute", hourMs, hourMs, 60, "raw"],
    ["three hours by the hour", 3 * hourMs, rawRangeMsMax, 3600, "raw"],
    ["half a day by the second's half minute", 12 * hourMs, 12 * hourMs, 30, "raw"],
    ["a day by the minute", dayMs, dayMs, 60, "minute"],
    ["a day by 90 seconds", dayMs, dayMs, 90, "minute"],
    ["a month by 90 minutes", 30 * dayMs, 30 * dayMs, 5400, "minute"],
    ["a week by the hour", 7 * dayMs, 7 * dayMs, 3600, "hour"],
    ["a year by the day", 365 * dayMs, 365 * dayMs, 86_400, "hour"],
    ["an hour of 31 days ago, of which no samples are left", 31 * dayMs, hourMs, 60, "minute"],
    ["an hour of 181 days ago, of which no minutes are left", 181 * dayMs, hourMs, 60, "hour"],
  ])("is for %s that of what is kept and fits", (_, agoMs, spanMs, step, resolution) => {
    expect(ask(agoMs, spanMs, step).resolution).toBe(resolution);
  });

  it("leaves a range that samples answer as it was asked, and makes others whole minutes or hours around it", () => {
    expect(ask(hourMs, hourMs, 7)).toMatchObject({ fromMs: nowMs - hourMs, toMs: nowMs, stepSeconds: 7 });
    expect(ask(dayMs, dayMs, 60)).toMatchObject({
      fromMs: Date.UTC(2026, 5, 14, 12, 34),
      toMs: Date.UTC(2026, 5, 15, 12, 35),
      stepSeconds: 60,
    });
    expect(ask(181 * dayMs, hourMs, 60)).toMatchObject({ stepSeconds: 3600 });
  });

  it("never is finer than what is kept of its beginning, nor coarser than its step unless nothing finer is left", () => {
    const asked = fc.record({
      fromMs: fc.integer({ min: 0, max: nowMs }),
      spanMs: fc.integer({ min: 1, max: 400 * dayMs }),
      stepSeconds: fc.integer({ min: 1, max: 31 * 86_400 }),
    });
    fc.assert(
      fc.property(asked, ({ fromMs, spanMs, stepSeconds }) => {
        const plan = planTelemetry({ fromMs, toMs: fromMs + spanMs, stepSeconds }, nowMs, kept);
        const ageDays = (nowMs - fromMs) / dayMs;
        if (plan.resolution === "raw") expect(ageDays).toBeLessThanOrEqual(kept.rawDays);
        if (plan.resolution === "minute") expect(ageDays).toBeLessThanOrEqual(kept.minuteDays);
        if (plan.resolution === "raw") return;
        const slotMs = slotSeconds[plan.resolution] * 1000;
        expect([plan.fromMs % slotMs, plan.toMs % slotMs]).toEqual([0, 0]);
        expect(plan.fromMs).toBeLessThanOrEqual(fromMs);
        expect(plan.toMs).toBeGreaterThanOrEqual(fromMs + spanMs);
        if (plan.resolution === "hour" && ageDays <= kept.minuteDays) expect(stepSeconds % 3600).toBe(0);
        expect(plan.stepSeconds).toBeGreaterThanOrEqual(slotSeconds[plan.resolution]);
      }),
    );
  });

  it("of anything younger than a week needs no look at the tenant's policy", () => {
    const all = { rawDays: Number.POSITIVE_INFINITY, minuteDays: Number.POSITIVE_INFINITY };
    for (const step of [1, 60, 3600]) {
      const range = { fromMs: nowMs - 7 * dayMs, toMs: nowMs, stepSeconds: step };
      expect(planTelemetry(range, nowMs, retentionMin)).toEqual(planTelemetry(range, nowMs, all));
    }
  });
});
