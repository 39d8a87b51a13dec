import { describe, expect, it } from "vitest";
import { LogFollower, type LogRow } from "../../soak/audit/follow.ts";
import type { Answered } from "../../soak/audit/requests.ts";

const groups = "/api/v1/orgs/{org}/groups";
const row = (seq: number, request_id: string, over: Partial<LogRow> = {}): LogRow => ({
  log: "org_1",
  seq,
  request_id,
  phase: "event",
  intent_seq: null,
  result: null,
  type: "api_call",
  endpoint: groups,
  status: 200,
  ...over,
});
const intent = (seq: number, id: string) => row(seq, id, { phase: "intent", status: null });
const outcome = (seq: number, id: string, of: number, over: Partial<LogRow> = {}) =>
  row(seq, id, { phase: "outcome", intent_seq: of, result: "answered", status: 201, ...over });
const read: Answered = { id: "r", kind: "read", status: 200, lane: 0 };
const write: Answered = { id: "w", kind: "group", status: 201, lane: 0 };

const following = (rows: readonly LogRow[]): LogFollower => {
  const follower = new LogFollower();
  expect(follower.take(rows)).toBeNull();
  return follower;
};

describe("a log that is followed", () => {
  it("runs from its first entry, over any number of looks, each log by itself", () => {
    const follower = following([row(1, "a"), row(2, "b")]);
    expect(follower.take([row(3, "c"), row(1, "d", { log: "platform-0" })])).toBeNull();
    expect([follower.entries, follower.lastOf("org_1"), follower.lastOf("platform-0")]).toEqual([4, 3, 1]);
  });

  it.each([
    ["entry 2 is missing", [row(1, "a"), row(3, "b")]],
    ["entry 2 is missing or there twice (found 1)", [row(1, "a"), row(1, "a")]],
    ["outcome 2 is of no intent of its request", [intent(1, "a"), outcome(2, "b", 1)]],
    ["outcome 1 is of no intent of its request", [outcome(1, "a", 7)]],
    ["intent 1 has two outcomes", [intent(1, "a"), outcome(2, "a", 1), outcome(3, "a", 1)]],
  ])("is refused: %s", (words, rows) => {
    expect(new LogFollower().take(rows)).toContain(words);
  });
});

describe("answers", () => {
  it("stand in it once, as they were given and in the order in which they were asked for", () => {
    const follower = following([row(1, "r"), intent(2, "w"), outcome(3, "w", 2)]);
    expect(follower.check([read, write])).toEqual({ problem: null, missing: null });
    // Lanes are not waiting for each other.
    expect(follower.check([write, { ...read, lane: 1 }])).toEqual({ problem: null, missing: null });
    expect(follower.check([{ ...write, id: "lost", status: 503 }])).toEqual({ problem: null, missing: null });
  });

  it("may be missing while entries are on their way", () => {
    const follower = following([intent(1, "w")]);
    expect(follower.check([write])).toMatchObject({ problem: null, missing: expect.stringContaining("not in a log") });
  });

  it.each([
    ["in the logs 2 times", [row(1, "r"), row(2, "r"), intent(3, "w"), outcome(4, "w", 3)]],
    ["stands in the log as 500", [row(1, "r"), intent(2, "w"), outcome(3, "w", 2, { status: 500 })]],
    [
      "stands in the log as null (reconciled_not_done)",
      [row(1, "r"), intent(2, "w"), outcome(3, "w", 2, { status: null, result: "reconciled_not_done" })],
    ],
    ["stands before r", [intent(1, "w"), outcome(2, "w", 1), row(3, "r")]],
  ])("are refused: %s", (words, rows) => {
    expect(following(rows).check([read, write]).problem).toContain(words);
  });
});

describe("outcomes", () => {
  const judged = (over: Partial<LogRow>, receipts: readonly string[]) =>
    following([intent(1, "w"), outcome(2, "w", 1, over)]).checkTruth(new Set(receipts), (path) => path === groups);

  it("are true when they say what Postgres committed", () => {
    expect(judged({}, ["w"])).toBeNull();
    expect(judged({ endpoint: groups, status: 503 }, [])).toBeNull();
    expect(judged({ status: null, result: "reconciled_done" }, ["w"])).toBeNull();
    expect(judged({ status: null, result: "reconciled_not_done" }, ["other"])).toBeNull();
    expect(following([intent(1, "w")]).checkTruth(new Set(), () => true)).toBeNull();
  });

  it.each([
    ["says 201, and nothing was done", {}, []],
    ["says 503, and it was done", { status: 503 }, ["w"]],
    ["says done, and nothing was", { status: null, result: "reconciled_done" }, []],
    ["says not done, and it was", { status: null, result: "reconciled_not_done" }, ["w"]],
  ])("are refused: %s", (words, over, receipts) => {
    expect(judged(over, receipts)).toContain(words);
  });

  it("are counted by what was done", () => {
    const rows = [
      intent(1, "a"),
      outcome(2, "a", 1),
      intent(3, "b"),
      outcome(4, "b", 3, { status: 503 }),
      intent(5, "c"),
    ];
    const follower = following([...rows, outcome(6, "c", 5, { status: null, result: "reconciled_done" })]);
    expect([follower.done(groups), follower.done("/other"), follower.openIntents]).toEqual([2, 0, 0]);
  });
});
