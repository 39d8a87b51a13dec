import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { DeadlineExceeded, withDeadline } from "../../../workers/edge/deadline.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** As many functions deep as the gate of the exact limit, none of which asks anybody. */
async function deep(depth: number): Promise<string> {
  return depth === 0 ? "done" : await deep(depth - 1);
}

it("sets no timer for what asks nobody", async () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  expect(await withDeadline("it", 1000, deep(8))).toBe("done");
  await expect(withDeadline("it", 1000, Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(set).not.toHaveBeenCalled();
});

it("gives up what never answers, and takes the timer back from what answers in time", async () => {
  const never = expect(withDeadline("it", 1000, new Promise(() => undefined))).rejects.toThrow(DeadlineExceeded);
  const answer = new Promise<string>((resolve) => setTimeout(() => resolve("in time"), 999));
  const inTime = withDeadline("it", 1000, answer);
  await vi.advanceTimersByTimeAsync(999);
  expect(await inTime).toBe("in time");
  await vi.advanceTimersByTimeAsync(1);
  await never;
  expect(vi.getTimerCount()).toBe(0);
});
