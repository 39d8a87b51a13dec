import { describe, expect, it } from "vitest";
import { Retry, retryAfterSeconds } from "../../soak/client/retry.ts";

describe("a client that comes back", () => {
  it("waits longer each time, between half and all of the delay, until it has succeeded", () => {
    const early = new Retry(() => 0);
    expect([early.delayMs("gone"), early.delayMs("gone"), early.delayMs("gone")]).toEqual([50, 100, 200]);
    early.succeeded();
    expect(early.delayMs("gone")).toBe(50);
    const late = new Retry(() => 1);
    const delays = Array.from({ length: 12 }, () => late.delayMs("gone"));
    expect(delays.slice(0, 3)).toEqual([100, 200, 400]);
    expect(delays.at(-1)).toBe(8000);
  });

  it("stays away as long as it is asked to, however the hint comes", () => {
    const retry = new Retry(() => 0);
    expect(retry.delayMs("busy; retry after 7 s")).toBe(7000);
    expect(retry.delayMs("closed: 1008 busy; retry after 12 s")).toBe(12_000);
    expect(retryAfterSeconds("closed: 1006")).toBeNull();
  });
});
