import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPassing, mayRepeat, pauseBeforeRetry, retryAfterMs, tryMsMin } from "../../../core/backends/retry.ts";

describe("a call is made again", () => {
  it("where twice is once, and nowhere else", () => {
    for (const method of ["GET", "PUT", "DELETE"] as const) expect(mayRepeat(method, false)).toBe(true);
    for (const method of ["POST", "PATCH"] as const) {
      expect(mayRepeat(method, false)).toBe(false);
      expect(mayRepeat(method, true)).toBe(true);
    }
  });

  it("after answers that pass, and not after a mistake", () => {
    expect([502, 503, 504].every(isPassing)).toBe(true);
    expect([200, 301, 400, 404, 429, 500, 501].some(isPassing)).toBe(false);
  });

  it("within its deadline, never before the backend asked for, and after no more than twice the pause before", () => {
    const times = fc.record({
      made: fc.integer({ min: 1, max: 3 }),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      wish: fc.integer({ min: 0, max: 3_000 }),
      left: fc.integer({ min: -10, max: 3_000 }),
    });
    fc.assert(
      fc.property(times, ({ made, random, wish, left }) => {
        const pause = pauseBeforeRetry(made, random, wish, left);
        if (pause === null) {
          expect(Math.max(wish, 100 * 2 ** made)).toBeGreaterThan(left - tryMsMin);
          return;
        }
        expect(pause).toBeGreaterThanOrEqual(wish);
        expect(pause + tryMsMin).toBeLessThanOrEqual(left);
        expect(pause).toBeLessThanOrEqual(Math.max(wish, 100 * 2 ** (made - 1)));
      }),
    );
  });

  it("after the seconds that were asked for; a date or nonsense is no wish", () => {
    expect(retryAfterMs("7")).toBe(7_000);
    for (const none of [null, "", "-1", "1e3", "Wed, 21 Oct 2026 07:28:00 GMT", "99999"])
      expect(retryAfterMs(none)).toBe(0);
  });
});
