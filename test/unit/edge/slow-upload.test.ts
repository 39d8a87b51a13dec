import { afterEach, expect, it, vi } from "vitest";
import { sizeGate } from "../../../workers/edge/gates/size.ts";
import { runGates } from "../../../workers/edge/run-gates.ts";
import { contextOf } from "./contexts.ts";

afterEach(() => {
  vi.useRealTimers();
});

it("gives up a body that never ends, after fifteen seconds", async () => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array([0x7b])) });
  const context = contextOf("https://s.example/api/v1/auth/login", { init: { method: "POST", body, duplex: "half" } });
  const verdict = runGates([sizeGate], context);
  await vi.advanceTimersByTimeAsync(14_999);
  expect(await Promise.race([verdict, "waiting"])).toBe("waiting");
  await vi.advanceTimersByTimeAsync(1);
  expect(await verdict).toEqual({ kind: "refused", gate: "size", denial: { kind: "deny", code: "unavailable" } });
});
