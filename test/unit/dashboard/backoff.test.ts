import { describe, expect, it } from "vitest";
import { backoffFirstMs, backoffLongestMs, backoffMs } from "../../../workers/dashboard/src/live/backoff.ts";

describe("reconnecting with full jitter", () => {
  it("spreads over the whole span, from at once to the bound", () => {
    expect(backoffMs(3, () => 0)).toBe(0);
    expect(backoffMs(3, () => 0.5)).toBe(4 * backoffFirstMs);
  });

  it("doubles the bound with each attempt", () => {
    const almost = () => 0.999999;
    expect([0, 1, 2].map((attempt) => Math.round(backoffMs(attempt, almost) / 1000))).toEqual([1, 2, 4]);
  });

  it("never waits longer than the longest, however often it failed", () => {
    for (const attempt of [5, 30, 1_000_000]) {
      const waitMs = backoffMs(attempt, () => 0.999999);
      expect(waitMs).toBeLessThan(backoffLongestMs);
      expect(waitMs).toBeGreaterThan(0.9 * backoffLongestMs);
    }
  });
});
