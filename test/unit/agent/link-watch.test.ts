import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { linkTimes, watchLink } from "../../../agent/connection/link-watch.ts";
import { HandClock } from "./hand-clock.ts";

/** A socket whose other end is the test. */
class ScriptedSocket extends EventEmitter {
  pings = 0;
  ping(): void {
    this.pings += 1;
  }
}

function watch(random = 0.5) {
  const clock = new HandClock(random);
  const socket = new ScriptedSocket();
  let lost = 0;
  const stop = watchLink(socket, linkTimes, clock, () => {
    lost += 1;
  });
  return { clock, socket, stop, lost: () => lost };
}

test.each([
  [0, 25_000],
  [0.999999, 30_000],
])("pings every 25 to 30 seconds, by chance (%d)", (random, periodMs) => {
  const { clock, socket } = watch(random);
  for (let count = 1; count <= 5; count += 1) {
    while (socket.pings < count) clock.fire();
    expect(clock.nowMs).toBeCloseTo(count * periodMs, -2);
    socket.emit("pong");
  }
});

test.each(["pong", "ping", "message"])("takes a %s for a sign of life", (event) => {
  const { clock, socket, lost } = watch();
  while (socket.pings < 1) clock.fire();
  socket.emit(event);
  while (socket.pings < 2) clock.fire();
  expect(lost()).toBe(0);
});

test("gives up ten seconds after a ping that nothing followed, and does so once", () => {
  const { clock, socket, lost } = watch();
  while (socket.pings < 1) clock.fire();
  expect(clock.fire()).toBe(linkTimes.answerMsMax);
  expect(lost()).toBe(1);
  expect(clock.timers).toHaveLength(0);
});

test("is not reassured by what came before the ping", () => {
  const { clock, socket, lost } = watch();
  socket.emit("message");
  while (socket.pings < 1) clock.fire();
  clock.fire();
  expect(lost()).toBe(1);
});

test("leaves no timer behind when it is stopped, whether between pings or after one", () => {
  const resting = watch();
  resting.stop();
  expect(resting.clock.timers).toHaveLength(0);
  const waiting = watch();
  while (waiting.socket.pings < 1) waiting.clock.fire();
  waiting.stop();
  expect(waiting.clock.timers).toHaveLength(0);
});
