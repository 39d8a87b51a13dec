import { beforeEach, expect, test } from "vitest";
import { judgePuback, type PublishOutcome } from "../../../agent/connection/server-word.ts";
import type { Session } from "../../../agent/connection/session.ts";
import { Delivery } from "../../../agent/delivery.ts";
import { DiskQueue } from "../../../agent/queue/disk-queue.ts";
import { inflightMax } from "../../../agent/queue/window.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { HandClock } from "./hand-clock.ts";
import { MemoryDisk } from "./queue-files.ts";

const arrived: PublishOutcome = { kind: "arrived" };
const full: PublishOutcome = { kind: "later", said: "the outbox is full", retryAfterMs: null };
const never: PublishOutcome = { kind: "refused", said: "not this" };

let clock: HandClock;
let queue: DiskQueue;
let delivery: Delivery;
let events: string[];
let sent: { readonly name: string; readonly answer: (outcome: PublishOutcome) => void }[];
const session: Session = {
  publish: (_topic, payload, answer) => void sent.push({ name: Buffer.from(payload).toString(), answer }),
  end: async () => {},
};
const names = (): string[] => sent.map(({ name }) => name);
const enqueue = (...all: string[]): void => {
  for (const name of all) delivery.enqueue(new TextEncoder().encode(name), 1);
};

beforeEach(() => {
  clock = new HandClock();
  queue = new DiskQueue(new MemoryDisk().files(), { dropped: () => {}, damaged: () => {} });
  events = [];
  sent = [];
  delivery = new Delivery(queue, "t", clock, {
    acknowledged: () => events.push("acknowledged"),
    deferred: (said, delayMs) => events.push(`deferred ${delayMs}: ${said}`),
    refused: (said, isNews) => events.push(`refused ${isNews}: ${said}`),
    failed: (error) => events.push(`failed ${String(error)}`),
  });
});

test("keeps what the server had no room for, and sends it again in order after a pause", () => {
  enqueue("a", "b", "c");
  delivery.connected(session);
  sent[0]?.answer(arrived);
  sent[1]?.answer(full);
  enqueue("d");
  expect(names()).toEqual(["a", "b", "c"]);
  expect(events).toEqual(["acknowledged", "deferred 500: the outbox is full"]);
  expect(queue.depth).toBe(3);
  clock.fire();
  expect(names()).toEqual(["a", "b", "c", "b", "c", "d"]);
  for (const { answer } of sent.slice(3)) answer(arrived);
  expect(queue.depth).toBe(0);
});

test("does not believe late answers to what it will send again", () => {
  enqueue("a", "b");
  delivery.connected(session);
  sent[0]?.answer(full);
  sent[1]?.answer(arrived);
  sent[0]?.answer(arrived);
  expect(queue.depth).toBe(2);
  clock.fire();
  expect(names()).toEqual(["a", "b", "a", "b"]);
});

test("grows its pauses while the server has no room, and starts again when something arrives", () => {
  enqueue("a", "b");
  delivery.connected(session);
  for (let round = 0; round < 4; round += 1) {
    sent.at(-2)?.answer(full);
    clock.fire();
  }
  sent.at(-2)?.answer(arrived);
  sent.at(-1)?.answer(full);
  const delays = events.filter((event) => event.startsWith("deferred")).map((event) => Number(event.split(/[ :]/)[1]));
  expect(delays).toEqual([500, 1_000, 2_000, 4_000, 500]);
});

test("never comes back earlier than the server asked", () => {
  enqueue("a");
  delivery.connected(session);
  sent[0]?.answer({ kind: "later", said: "retry after 60 s", retryAfterMs: 60_000 });
  expect(clock.fire()).toBeGreaterThanOrEqual(60_000);
  expect(names()).toEqual(["a", "a"]);
});

test("keeps every sample of a day whose messages are used up, asks with one window an hour, and then sends all in order", () => {
  const said = "quota_exceeded: messages_a_day; retry after 40000 s";
  const dayFull = judgePuback({ code: reasonCodes.quota_exceeded, reasonString: said, serverReference: null });
  const all = Array.from({ length: 40 }, (_, index) => `s${index}`);
  enqueue(...all);
  delivery.connected(session);
  const windows: number[] = [];
  for (let hour = 0; hour < 11; hour += 1) {
    const window = sent.splice(0);
    windows.push(window.length);
    for (const { answer } of window) answer(dayFull);
    expect(clock.fire()).toBeGreaterThanOrEqual(3600_000);
  }
  expect(new Set(windows)).toEqual(new Set([inflightMax]));
  expect(queue.depth).toBe(all.length);
  const arrivedInOrder: string[] = [];
  for (let next = sent.shift(); next !== undefined; next = sent.shift()) {
    arrivedInOrder.push(next.name);
    next.answer(arrived);
  }
  expect(arrivedInOrder).toEqual(all);
  expect(queue.depth).toBe(0);
});

test("sets aside what the server will never take, says so once, and goes on", () => {
  enqueue("a", "b", "c");
  delivery.connected(session);
  sent[0]?.answer(never);
  sent[1]?.answer(never);
  sent[2]?.answer(arrived);
  expect(queue.depth).toBe(0);
  expect(events).toEqual(["refused true: not this", "refused false: not this", "acknowledged"]);
});

test("leaves no timer behind when the connection ends or the agent stops during a pause", async () => {
  enqueue("a");
  delivery.connected(session);
  sent[0]?.answer(full);
  delivery.disconnected();
  expect(clock.timers).toHaveLength(0);
  delivery.connected(session);
  sent[1]?.answer(full);
  await delivery.stop();
  expect(clock.timers).toHaveLength(0);
  expect(names()).toEqual(["a", "a"]);
});
