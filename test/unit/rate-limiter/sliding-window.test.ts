import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, type Hit, type HitLog } from "../../../durable-objects/rate-limiter/sliding-window.ts";

/** The log as an array; what the object keeps in SQLite. */
function arrayLog(hits: readonly Hit[]): HitLog {
  return {
    newest: () => hits.at(-1) ?? null,
    firstAfter: (atMs) => hits.find((hit) => hit.atMs > atMs) ?? null,
    get: (n) => hits.find((hit) => hit.n === n) ?? null,
  };
}

describe("the sliding window", () => {
  it("agrees with counting every allowed request of the window by hand", () => {
    const steps = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 120 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 100 }), steps, (limit, windowMs, gaps) => {
        const hits: Hit[] = [];
        const allowedAt: number[] = [];
        let now = 1_000_000;
        for (const gap of gaps) {
          now += gap;
          const inWindow = allowedAt.filter((at) => at > now - windowMs);
          const { decision, hit } = decide(arrayLog(hits), { limit, windowMs }, now);
          expect(decision.allowed).toBe(inWindow.length < limit);
          expect(decision.remaining).toBe(decision.allowed ? limit - inWindow.length - 1 : 0);
          if (hit !== null) {
            hits.push(hit);
            allowedAt.push(now);
          } else {
            const free = Math.min(...inWindow) + windowMs - now;
            expect(decision.resetSeconds).toBe(Math.max(1, Math.ceil(free / 1000)));
          }
        }
        // The promise itself: no window, wherever it begins, holds more than the limit.
        for (const at of allowedAt) {
          expect(allowedAt.filter((other) => other >= at && other < at + windowMs).length).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  it("does not open a second window when the clock goes back", () => {
    const hits = [
      { n: 1, atMs: 10_000 },
      { n: 2, atMs: 10_000 },
    ];
    expect(decide(arrayLog(hits), { limit: 2, windowMs: 1000 }, 5000).decision.allowed).toBe(false);
  });

  it("waits for as many to leave as a lowered limit asks", () => {
    const hits = [1, 2, 3, 4].map((n) => ({ n, atMs: n * 10_000 }));
    const { decision } = decide(arrayLog(hits), { limit: 2, windowMs: 60_000 }, 40_000);
    expect(decision).toEqual({ allowed: false, limit: 2, remaining: 0, resetSeconds: 50 });
  });
});
