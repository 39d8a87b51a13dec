import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { permitMs } from "../../../core/limits.ts";
import type { RateDecision, RateLease } from "../../../core/rpc/durable-objects.ts";
import { decide, type Hit } from "../../../durable-objects/rate-limiter/sliding-window.ts";
import { createPermits, permitBlockMax, permitCrowdMax } from "../../../workers/edge/gates/permits.ts";

const limit = 600;
const windowMs = 60_000;

/** The object's side: the real sliding window over an array, answering when it is told to. */
function createObject(now: () => number) {
  const hits: Hit[] = [];
  const asked: number[] = [];
  const log = {
    newest: () => hits.at(-1) ?? null,
    firstAfter: (atMs: number) => hits.find((hit) => hit.atMs > atMs) ?? null,
    get: (n: number) => hits.find((hit) => hit.n >= n) ?? null,
  };
  return {
    /** Sizes of the blocks that were asked for. */
    asked,
    count(permits: number, of = limit): RateLease {
      const {
        decision,
        granted,
        hits: stored,
      } = decide(log, { limit: of, windowMs: windowMs + permitMs }, now(), permits);
      hits.push(...stored);
      return { granted, decision };
    },
    lease: async (permits: number): Promise<RateLease> => {
      asked.push(permits);
      return await Promise.resolve(object.count(permits));
    },
  };
}

let clock = 0;
let object = createObject(() => clock);
let permits = createPermits(() => clock);
const take = (key = "k"): Promise<RateDecision> => permits.take(key, object.lease);
const takeMany = async (count: number): Promise<void> => {
  for (let index = 0; index < count; index += 1) await take();
};

beforeEach(() => {
  vi.useFakeTimers();
  clock = 1_000_000;
  object = createObject(() => clock);
  permits = createPermits(() => clock);
});
afterEach(() => vi.useRealTimers());

/** An answer that the test gives when it likes. */
function held() {
  const questions: { readonly permits: number; answer(lease: RateLease): void; fail(error: Error): void }[] = [];
  const lease = (count: number): Promise<RateLease> =>
    new Promise((answer, fail) => questions.push({ permits: count, answer, fail }));
  return { questions, lease };
}
const granted = (count: number, remaining: number): RateLease => ({
  granted: count,
  decision: { allowed: count > 0, limit, remaining, resetSeconds: 7 },
});
/** Lets everybody go on, those too who pause before they look again. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(64);

describe("permits", () => {
  it("come in blocks that double while they are used up, and one at a time after a pause", async () => {
    await takeMany(1 + 2 + 4 + 8 + 16 + 16);
    expect(object.asked).toEqual([1, 2, 4, 8, 16, 16]);
    clock += permitMs;
    await take();
    expect(object.asked).toEqual([1, 2, 4, 8, 16, 16, 1]);
  });

  it("count whoever comes alone once", async () => {
    for (let index = 0; index < 5; index += 1) {
      await take();
      clock += permitMs;
    }
    expect(object.asked).toEqual([1, 1, 1, 1, 1]);
  });

  it("lapse a second after they were asked for, not after the answer", async () => {
    await takeMany(1);
    const { questions, lease } = held();
    const own = permits.take("k", lease);
    clock += permitMs - 1;
    questions[0]?.answer(granted(2, 500));
    await own;
    clock += 1;
    await take();
    // Within the second it would have been there.
    expect(object.asked).toEqual([1, 1]);
  });

  it("are each key's own", async () => {
    await takeMany(2);
    await take("other");
    expect(object.asked).toEqual([1, 2, 1]);
  });

  it("show what is left: the object's and those of the block", async () => {
    const seen: number[] = [];
    for (let index = 0; index < 7; index += 1) seen.push((await take()).remaining);
    expect(seen).toEqual([599, 598, 597, 596, 595, 594, 593]);
  });

  it("take little of a window that is nearly full, so that none lapse where they are scarce", async () => {
    object.count(limit - 20);
    await takeMany(20);
    expect(object.asked).toEqual([1, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(await take()).toMatchObject({ allowed: false, remaining: 0 });
  });

  it("are asked for by one at a time; the others wait and take, and one of them asks again", async () => {
    const { questions, lease } = held();
    const all = Array.from({ length: 4 }, () => permits.take("k", lease));
    await settle();
    expect(questions.map((question) => question.permits)).toEqual([1]);
    questions[0]?.answer(granted(1, 500));
    await settle();
    // As many as wait, though it is the second block.
    expect(questions.map((question) => question.permits)).toEqual([1, 3]);
    const fifth = permits.take("k", lease);
    await settle();
    expect(questions).toHaveLength(2);
    questions[1]?.answer(granted(3, 497));
    await settle();
    expect((await Promise.all(all)).map(({ remaining }) => remaining)).toEqual([500, 499, 498, 497]);
    expect(questions.map((question) => question.permits)).toEqual([1, 3, 6]);
    questions[2]?.answer(granted(6, 491));
    expect(await fifth).toMatchObject({ allowed: true, remaining: 496 });
  });

  it("are asked for by so many at once at most, however many wait", async () => {
    const { questions, lease } = held();
    const all = Array.from({ length: 300 }, () => permits.take("k", lease));
    await settle();
    questions[0]?.answer(granted(1, 599));
    await settle();
    questions[1]?.answer(granted(permitCrowdMax, 599 - permitCrowdMax));
    await settle();
    questions[2]?.answer(granted(permitCrowdMax, 599 - 2 * permitCrowdMax));
    await settle();
    expect(questions.map((question) => question.permits)).toEqual([1, permitCrowdMax, permitCrowdMax, 43]);
    questions[3]?.answer(granted(43, 300));
    await settle();
    const left = (await Promise.all(all)).map(({ remaining }) => remaining).sort((a, b) => b - a);
    expect(left).toEqual(Array.from({ length: 300 }, (_, index) => 599 - index));
  });

  it("refuse all who waited when the window is full, and ask again for whoever comes later", async () => {
    const { questions, lease } = held();
    const all = Array.from({ length: 3 }, () => permits.take("k", lease));
    await settle();
    questions[0]?.answer(granted(0, 0));
    await settle();
    expect((await Promise.all(all)).map(({ allowed, resetSeconds }) => [allowed, resetSeconds])).toEqual([
      [false, 7],
      [false, 7],
      [false, 7],
    ]);
    expect(questions).toHaveLength(1);
    await take();
    expect(object.asked).toEqual([1]);
  });

  it("refuse with the error of the call; the next who waited asks for itself", async () => {
    const { questions, lease } = held();
    const first = permits.take("k", lease);
    const second = permits.take("k", lease).catch((error: Error) => error.message);
    await settle();
    questions[0]?.fail(new Error("LIMITS is down"));
    await expect(first).rejects.toThrow("LIMITS is down");
    await settle();
    expect(questions.map((question) => question.permits)).toEqual([1, 1]);
    questions[1]?.fail(new Error("still down"));
    expect(await second).toBe("still down");
    await take();
    expect(object.asked).toEqual([1]);
  });

  it("do not wait for longer than a second for a request that was cancelled while it asked", async () => {
    void permits.take("k", () => new Promise(() => undefined));
    const waiting = Array.from({ length: 3 }, () => take());
    await settle();
    expect(object.asked).toEqual([]);
    clock += permitMs;
    await settle();
    await settle();
    expect((await Promise.all(waiting)).every(({ allowed }) => allowed)).toBe(true);
    expect(object.asked).toEqual([1, 2]);
  });

  it.each([permitMs - 1, permitMs, 2 * permitMs])(
    "%d ms after they were counted add nothing to a window that is full without them",
    async (lateMs) => {
      const admittedAt: number[] = [];
      const upgrade = async (): Promise<void> => {
        if ((await take()).allowed) admittedAt.push(clock);
      };
      // Three of the third block stay behind.
      for (let index = 0; index < 4; index += 1) await upgrade();
      expect(object.asked).toEqual([1, 2, 4]);
      clock += lateMs;
      const windowFromMs = clock;
      await upgrade();
      clock = windowFromMs + windowMs - 1;
      for (let index = 0; index < 2 * limit; index += 1) await upgrade();
      const inWindow = admittedAt.filter((atMs) => atMs >= windowFromMs && atMs < windowFromMs + windowMs);
      expect(inWindow.length).toBeLessThanOrEqual(limit);
    },
  );

  it("never admit more than the limit in any window, from several isolates with slow answers", async () => {
    const step = fc.record({
      gapMs: fc.constantFrom(0, 7, 999, 2000, 59_000, 61_000),
      isolate: fc.integer({ min: 0, max: 1 }),
      upgrades: fc.constantFrom(1, 5, 60),
      /** Whether the object answers before the next ones come. */
      answers: fc.constantFrom(true, true, true, false),
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.array(step, { maxLength: 40 }), async (of, steps) => {
        vi.clearAllTimers();
        const shared = createObject(() => clock);
        const isolates = [0, 1].map(() => createPermits(() => clock));
        const admittedAt: number[] = [];
        const unanswered: (() => void)[] = [];
        // Counted as late as can be: the permits' second has begun when they were asked for.
        const lease = (count: number): Promise<RateLease> =>
          new Promise((resolve) => unanswered.push(() => resolve(shared.count(count, of))));
        const answerAll = async (): Promise<void> => {
          for (await settle(); unanswered.length > 0; await settle()) unanswered.shift()?.();
        };
        for (const { gapMs, isolate, upgrades, answers } of steps) {
          clock += gapMs;
          for (let upgrade = 0; upgrade < upgrades; upgrade += 1)
            void isolates[isolate]?.take("k", lease).then(({ allowed }) => {
              if (allowed) admittedAt.push(clock);
            });
          await (answers ? answerAll() : settle());
        }
        await answerAll();
        for (const at of admittedAt) {
          const inWindow = admittedAt.filter((other) => other >= at && other < at + windowMs);
          expect(inWindow.length).toBeLessThanOrEqual(of);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("are never asked for far ahead of anybody who needs them", async () => {
    await takeMany(200);
    expect(Math.max(...object.asked)).toBe(permitBlockMax);
  });
});
