import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, type Hit, type HitLog } from "../../../durable-objects/rate-limiter/sliding-window.ts";

/** The log as an array; what the object keeps in SQLite. */
function arrayLog(hits: readonly Hit[]): HitLog {
  return {
    newest: () => hits.at(-1) ?? null,
    firstAfter: (atMs) => hits.find((hit) => hit.atMs > atMs) ?? null,
    get: (n) => hits.find((hit) => hit.n >= n) ?? null,
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
          const { decision, hits: stored } = decide(arrayLog(hits), { limit, windowMs }, now);
          expect(decision.allowed).toBe(inWindow.length < limit);
          expect(decision.remaining).toBe(decision.allowed ? limit - inWindow.length - 1 : 0);
          expect(stored).toHaveLength(decision.allowed ? 1 : 0);
          if (decision.allowed) {
            hits.push(...stored);
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

  it("agrees with a plain list when requests come in blocks, under limits that change", () => {
    const step = fc.record({
      gap: fc.integer({ min: 0, max: 40 }),
      asked: fc.integer({ min: 1, max: 9 }),
      limit: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.array(step, { maxLength: 120 }), (windowMs, steps) => {
        const hits: Hit[] = [];
        const allowedAt: number[] = [];
        let now = 1_000_000;
        for (const { gap, asked, limit } of steps) {
          now += gap;
          const inWindow = allowedAt.filter((at) => at > now - windowMs);
          const { decision, granted, hits: stored } = decide(arrayLog(hits), { limit, windowMs }, now, asked);
          const room = Math.max(0, limit - inWindow.length);
          expect(granted).toBe(Math.min(asked, room));
          expect(decision).toMatchObject({ allowed: granted > 0, limit, remaining: room - granted });
          // A row for one, two for a block, however large, and none for a refusal.
          expect(stored).toHaveLength(Math.min(granted, 2));
          if (granted === 0) {
            // One more is allowed once so many have left that limit - 1 remain.
            const freeing = inWindow[inWindow.length - limit] ?? Number.NaN;
            expect(decision.resetSeconds).toBe(Math.max(1, Math.ceil((freeing + windowMs - now) / 1000)));
          }
          hits.push(...stored);
          for (let permit = 0; permit < granted; permit += 1) allowedAt.push(now);
          expect(allowedAt.filter((at) => at > now - windowMs).length).toBeLessThanOrEqual(
            Math.max(limit, inWindow.length),
          );
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
    // The fifth to leave is inside a block, which leaves whole.
    const blocks = [1, 6, 7, 9].map((n) => ({ n, atMs: n < 7 ? 10_000 : 20_000 }));
    const lowered = decide(arrayLog(blocks), { limit: 5, windowMs: 60_000 }, 30_000).decision;
    expect(lowered).toEqual({ allowed: false, limit: 5, remaining: 0, resetSeconds: 40 });
  });
});
