import { expect, test } from "vitest";
import { inflightMax, SendWindow } from "../../../agent/queue/window.ts";

test("moves the cursor only over an unbroken run of acknowledged samples", () => {
  const window = new SendWindow(4);
  for (const seq of [5, 6, 8]) window.sent(seq);
  expect(window.acknowledged(6)).toBeNull();
  expect(window.acknowledged(5)).toBe(6);
  expect(window.acknowledged(8)).toBe(8);
});

test("ignores an acknowledgement of something it did not send", () => {
  const window = new SendWindow(0);
  window.sent(1);
  expect(window.acknowledged(2)).toBeNull();
  expect(window.inflight).toBe(1);
});

test("refuses to send out of order or beyond its bound", () => {
  const window = new SendWindow(0);
  for (let seq = 1; seq <= inflightMax; seq += 1) window.sent(seq);
  expect(window.hasRoom).toBe(false);
  expect(() => window.sent(inflightMax + 1)).toThrow("overrun");
  expect(() => new SendWindow(3).sent(3)).toThrow("out of order");
});
