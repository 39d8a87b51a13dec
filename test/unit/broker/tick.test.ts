import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Admission } from "../../../durable-objects/tenant-hub/admission.ts";
import { Tick } from "../../../durable-objects/tenant-hub/tick.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function ticking() {
  const work = vi.fn();
  const tick = new Tick(work);
  return {
    runs: () => work.mock.calls.length,
    request: (stores: boolean, sockets: number, nowMs: number) => tick.request(stores, sockets, nowMs),
    pass: (ms: number) => vi.advanceTimersByTime(ms),
  };
}

describe("work with little to do", () => {
  it("is done at once, whoever asks again after its answer", () => {
    const { runs, request } = ticking();
    for (let ms = 0; ms < 20; ms += 1) request(false, 1, ms * 5);
    expect(runs()).toBe(20);
  });

  it("stores at once when the last commit is a while ago, and together when it is not", () => {
    const { runs, request, pass } = ticking();
    request(true, 1, 1000);
    expect(runs()).toBe(1);
    for (let n = 0; n < 5; n += 1) request(true, 1, 1001);
    expect(runs()).toBe(1);
    pass(1);
    expect(runs()).toBe(2);
  });
});

describe("work that nobody waits for", () => {
  it("is stored at once when the last commit is a while ago", () => {
    const { runs, request } = ticking();
    request(true, 0, 1000);
    request(true, 0, 2000);
    expect(runs()).toBe(2);
  });

  it("goes with the next commit that somebody waits for, and no later than ten milliseconds", () => {
    const { runs, request, pass } = ticking();
    request(true, 1, 1000);
    for (let ms = 1; ms < 9; ms += 1) request(true, 0, 1000 + ms);
    expect(runs()).toBe(1);
    request(false, 1, 1009);
    expect(runs()).toBe(2);
    pass(9);
    expect(runs()).toBe(2);
    pass(1);
    expect(runs()).toBe(3);
  });

  it("does not run under work that waits for more", () => {
    const { runs, request, pass } = ticking();
    request(true, 1, 1000);
    request(true, 0, 1001);
    pass(9);
    request(true, 1, 1001);
    pass(1);
    // The two timers ring together: one run, not two.
    expect(runs()).toBe(2);
  });
});

describe("work of a busy hub", () => {
  it("waits for the end of a millisecond with many requests, and shares one run", () => {
    const { runs, request, pass } = ticking();
    for (let n = 0; n < 100; n += 1) request(false, 1, 1000);
    expect(runs()).toBeLessThan(10);
    const before = runs();
    pass(1);
    expect(runs()).toBe(before + 1);
  });

  it("goes on waiting in the millisecond after, and stops once it is quiet again", () => {
    const { runs, request, pass } = ticking();
    for (let n = 0; n < 100; n += 1) request(false, 1, 1000);
    pass(1);
    const before = runs();
    request(false, 1, 1001);
    expect(runs()).toBe(before);
    pass(1);
    request(false, 1, 1500);
    expect(runs()).toBe(before + 2);
  });
});

describe("bursts of one size", () => {
  const burst = (request: (stores: boolean, sockets: number, nowMs: number) => void, size: number, nowMs: number) => {
    for (let n = 0; n < size; n += 1) request(false, 200, nowMs);
  };

  it("are waited out by the timer twice, and from then on end with their last request", () => {
    const { runs, request, pass } = ticking();
    for (let round = 0; round < 2; round += 1) {
      burst(request, 32, round * 10);
      expect(runs()).toBe(round);
      pass(1);
    }
    for (let round = 2; round < 6; round += 1) {
      burst(request, 31, round * 10);
      expect(runs()).toBe(round);
      request(false, 200, round * 10);
      expect(runs()).toBe(round + 1);
      // The timer that was set for it does nothing more.
      pass(5);
      expect(runs()).toBe(round + 1);
    }
  });

  it("are waited out again as soon as one is of another size", () => {
    const { runs, request, pass } = ticking();
    for (const size of [32, 32, 20]) {
      burst(request, size, runs() * 10);
      pass(1);
    }
    const before = runs();
    burst(request, 32, 1000);
    expect(runs()).toBe(before);
    pass(1);
    expect(runs()).toBe(before + 1);
  });

  it("are none of a few requests: those are no reason to store sooner", () => {
    const { runs, request, pass } = ticking();
    request(true, 1, 1000);
    for (let round = 0; round < 5; round += 1) {
      const before = runs();
      for (let n = 0; n < 4; n += 1) request(true, 1, 1001 + round);
      expect(runs()).toBe(before);
      pass(1);
    }
  });
});

describe("work that sends to many sockets", () => {
  it("waits as long as that brings more", () => {
    const { runs, request, pass } = ticking();
    for (let round = 0; round < 10; round += 1) {
      for (let n = 0; n < 4; n += 1) request(false, 200, round * 10);
      pass(1);
      expect(runs()).toBe(round + 1);
    }
  });

  it("waits ever less often when nothing comes, and learns at once when something does", () => {
    const { runs, request, pass } = ticking();
    let waited = 0;
    for (let n = 0; n < 200; n += 1) {
      const before = runs();
      request(false, 200, n * 10);
      if (runs() === before) waited += 1;
      pass(1);
    }
    expect(runs()).toBe(200);
    expect(waited).toBeLessThan(15);
    // The next wait brings more: from now on each is worth it.
    for (let turn = 0; turn < 40; turn += 1) {
      request(false, 200, 10_000 + turn * 10);
      request(false, 200, 10_000 + turn * 10);
      pass(1);
    }
    const before = runs();
    request(false, 200, 20_000);
    request(false, 200, 20_000);
    expect(runs()).toBe(before);
    pass(1);
    expect(runs()).toBe(before + 1);
  });
});

describe("admission", () => {
  it("turns a crowd away for a second once the hub has fallen seconds behind, and a few never", () => {
    const admission = new Admission();
    admission.waited(0, 2999);
    expect(admission.admits(3000, () => 5000)).toBe(true);
    admission.waited(0, 3001);
    expect(admission.admits(3002, () => 5000)).toBe(false);
    expect(admission.admits(3002, () => 999)).toBe(true);
    expect(admission.admits(4001, () => 5000)).toBe(true);
  });

  it("spreads whom it turns away over a quarter of a minute", () => {
    const admission = new Admission();
    expect([0, 0.5, 0.999].map((random) => admission.retryAfterSeconds(random))).toEqual([1, 8, 15]);
  });
});
