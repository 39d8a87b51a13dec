import { beforeEach, describe, expect, it, vi } from "vitest";
import { makeId } from "../../../core/ids.ts";
import type { LimitsRpc, RateAttempt } from "../../../core/rpc/durable-objects.ts";
import { formatEnrollmentCode } from "../../../core/tenancy/enrollment-code.ts";
import type { Denial, Guess } from "../../../workers/edge/gates/gate.ts";
import { limitGate } from "../../../workers/edge/gates/limit.ts";
import { createIsolate, type Isolate } from "../../../workers/edge/isolate.ts";
import { bareEnv, contextOf, nowMs, slug } from "./contexts.ts";

const newCode = (): string => formatEnrollmentCode(slug, crypto.getRandomValues(new Uint8Array(20)));
const bodyOf = (code: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify({ code, name: "a" }));

/** Ten places by address, as the object keeps them; the object itself is tested in workerd. */
let missed: string[];
let open: Set<string>;
let asked: number;
let isolate: Isolate;
const LIMITS: LimitsRpc = {
  consume: async (_client, policies) => ({
    allowed: true,
    decisions: policies.map(({ limit }) => ({ allowed: true, limit, remaining: limit - 1, resetSeconds: 60 })),
  }),
  lease: async () => {
    throw new Error("no blocks here");
  },
  attempt: async (_client, { limit }): Promise<RateAttempt> => {
    asked += 1;
    const used = missed.length + open.size;
    const allowed = used < limit;
    const attempt = allowed ? makeId("assertion", nowMs, crypto.getRandomValues(new Uint8Array(10))) : null;
    if (attempt !== null) open.add(attempt);
    return { attempt, decision: { allowed, limit, remaining: Math.max(0, limit - used - 1), resetSeconds: 60 } };
  },
  settle: async (_client, _policy, attempt, isMiss) => {
    open.delete(attempt);
    if (isMiss) missed.push(attempt);
  },
};
beforeEach(() => {
  missed = [];
  open = new Set();
  asked = 0;
  isolate = createIsolate(bareEnv(), () => Date.now());
});

async function judge(body: Uint8Array | null): Promise<Guess | Denial> {
  const context = contextOf("https://s.example/api/v1/enroll", { init: { method: "POST" }, env: { LIMITS } });
  const judged = await limitGate.judge({ ...context, isolate, body, credential: { kind: "none" } });
  if (judged.kind === "deny") return judged;
  if (judged.adds.guess == null) throw new Error("an enrolment is no guess");
  return judged.adds.guess;
}

/** One enrolment and what it comes to: studio's own status, or the refusal that takes its place. */
async function enrol(code: unknown, studio: (code: unknown) => number): Promise<number> {
  const judged = await judge(bodyOf(code));
  if ("kind" in judged) return 429;
  await new Promise((resolve) => setTimeout(resolve, 1));
  const status = studio(code);
  const outcome = await judged.settle(status);
  return "kind" in outcome ? 429 : status;
}
const count = (statuses: readonly number[], status: number): number => statuses.filter((one) => one === status).length;

describe("enrolments", () => {
  it("without a valid code are exactly ten an address, however many come at once", async () => {
    const statuses = await Promise.all(Array.from({ length: 200 }, () => enrol(newCode(), () => 403)));
    expect([count(statuses, 403), count(statuses, 429)]).toEqual([10, 190]);
    expect(await enrol(newCode(), () => 403)).toBe(429);
  });

  it("with the same wrong code, or what is no code at all, are no more than that", async () => {
    const code = newCode();
    const statuses = await Promise.all(
      Array.from({ length: 120 }, (_, index) => enrol([code, null, 7, "x"][index % 4], () => 403)),
    );
    expect([count(statuses, 403), count(statuses, 429)]).toEqual([10, 110]);
  });

  it("with one valid code pass however many come at once: 500 machines are one guess, which was none", async () => {
    const code = newCode();
    const statuses = await Promise.all(Array.from({ length: 500 }, () => enrol(code, () => 201)));
    expect(count(statuses, 201)).toBe(500);
    expect([asked, missed.length, open.size]).toEqual([1, 0, 0]);
  });

  it("with a code that was taken go on while others guess from the same address", async () => {
    const code = newCode();
    expect(await enrol(code, () => 201)).toBe(201);
    for (let guess = 0; guess < 10; guess += 1) expect(await enrol(newCode(), () => 403)).toBe(403);
    expect(await enrol(newCode(), () => 403)).toBe(429);
    expect(await enrol(code, () => 201)).toBe(201);
    // As people type it, it is the same code.
    expect(await enrol(` ${code.toLowerCase()}`, () => 201)).toBe(201);
  });

  it("with a code that had its devices of this minute are no guesses", async () => {
    const code = newCode();
    for (let time = 0; time < 30; time += 1) expect(await enrol(code, () => 429)).toBe(429);
    expect([asked, missed.length, open.size]).toEqual([1, 0, 0]);
  });

  it("with a code that was revoked are misses again, and the eleventh is refused in studio's place", async () => {
    const code = newCode();
    expect(await enrol(code, () => 201)).toBe(201);
    const statuses = await Promise.all(Array.from({ length: 40 }, () => enrol(code, () => 403)));
    expect([count(statuses, 403), count(statuses, 429)]).toEqual([10, 30]);
    expect(missed).toHaveLength(10);
  });

  it("keep their place when nothing came of them, and their device its token when the place can't be given back", async () => {
    expect(await enrol(newCode(), () => 503)).toBe(503);
    expect(missed).toHaveLength(1);
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    vi.spyOn(LIMITS, "settle").mockRejectedValueOnce(new Error("away"));
    expect(await enrol(newCode(), () => 201)).toBe(201);
    expect(open.size).toBe(1);
  });

  it("wait no longer than three seconds for somebody who never comes back", async () => {
    const code = newCode();
    expect("settle" in (await judge(bodyOf(code)))).toBe(true);
    vi.useFakeTimers();
    const second = judge(bodyOf(code));
    await vi.advanceTimersByTimeAsync(3_100);
    expect("settle" in (await second)).toBe(true);
    vi.useRealTimers();
    expect(open.size).toBe(2);
  });
});
