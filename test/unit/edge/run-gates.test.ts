import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AnyGate } from "../../../workers/edge/gates/gate.ts";
import { gates } from "../../../workers/edge/gates/index.ts";
import { runGates } from "../../../workers/edge/run-gates.ts";
import { contextOf } from "./contexts.ts";

const health = "https://s.example/healthz";
const nowhere = "https://s.example/nowhere";

function gate(name: string, judge: AnyGate["judge"], changes: Partial<AnyGate> = {}): AnyGate {
  return { name, appliesTo: "every_request", needs: [], adds: [], deadlineMs: 1_000, judge, ...changes };
}
const allow = { kind: "allow", adds: {} } as const;

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("the order of the gates", () => {
  it("is tls, size, geo, waf, flood, standing, credential, limit", () => {
    expect(gates.map(({ name }) => name)).toEqual([
      "tls",
      "size",
      "geo",
      "waf",
      "flood",
      "standing",
      "credential",
      "limit",
    ]);
  });

  it("gives every gate what it needs from an earlier one, and every addition one author", () => {
    const added = new Set<string>();
    for (const { needs, adds } of gates) {
      for (const name of needs) expect(added).toContain(name);
      for (const name of adds) expect(added).not.toContain(name);
      for (const name of adds) added.add(name);
    }
  });

  it("judges and counts scanners before saying that a path is not there", () => {
    expect(gates.filter(({ appliesTo }) => appliesTo === "every_request").map(({ name }) => name)).toEqual([
      "tls",
      "size",
      "geo",
      "waf",
      "flood",
    ]);
  });
});

describe("running gates", () => {
  it("stops at the first refusal", async () => {
    const seen: string[] = [];
    const step = (name: string, deny: boolean): AnyGate =>
      gate(name, () => {
        seen.push(name);
        return deny ? { kind: "deny", code: "forbidden" } : allow;
      });
    const verdict = await runGates([step("a", false), step("b", true), step("c", false)], contextOf(health));
    expect(verdict).toMatchObject({ kind: "refused", gate: "b", denial: { code: "forbidden" } });
    expect(seen).toEqual(["a", "b"]);
  });

  it("refuses when a gate throws, at once or later", async () => {
    const sync = gate("a", () => {
      throw new Error("secret detail");
    });
    const later = gate("b", () => Promise.reject(new TypeError("secret detail")));
    for (const broken of [sync, later])
      expect(await runGates([broken], contextOf(health))).toEqual({
        kind: "refused",
        gate: broken.name,
        denial: { kind: "deny", code: "unavailable" },
      });
    expect(JSON.stringify(vi.mocked(console.error).mock.calls)).not.toContain("secret detail");
  });

  it("refuses when a gate does not answer in time", async () => {
    vi.useFakeTimers();
    const verdict = runGates(
      [gate("slow", () => new Promise(() => undefined), { deadlineMs: 5_000 })],
      contextOf(health),
    );
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await verdict).toMatchObject({ kind: "refused", gate: "slow", denial: { code: "unavailable" } });
  });

  it("answers a miss only after the gates of every request, and never asks the others", async () => {
    const asked: string[] = [];
    const first = gate("first", () => {
      asked.push("first");
      return allow;
    });
    const second = gate("second", () => expect.unreachable("asked"), { appliesTo: "known_route" });
    expect(await runGates([first, second], contextOf(nowhere))).toMatchObject({
      gate: "route",
      denial: { code: "not_found" },
    });
    expect(asked).toEqual(["first"]);
    expect(await runGates([first], contextOf(nowhere))).toMatchObject({
      kind: "refused",
      denial: { code: "not_found" },
    });
    const posted = contextOf(health, { init: { method: "POST" } });
    expect(await runGates([first], posted)).toMatchObject({
      denial: { code: "method_not_allowed", headers: { Allow: "GET" } },
    });
  });

  it("lets a gate add what it declares, and nothing else", async () => {
    const adds = gate("adds", () => ({ kind: "allow", adds: { country: "IN" } }), { adds: ["country"] });
    const reads = gate("reads", ({ country }) => {
      expect(country).toBe("IN");
      return allow;
    });
    expect(await runGates([adds, reads], contextOf(health))).toMatchObject({
      kind: "admitted",
      context: { country: "IN" },
    });
    const sneaky = gate("sneaky", () => ({ kind: "allow", adds: { country: "IN" } }));
    await expect(runGates([sneaky], contextOf(health))).rejects.toThrow("sneaky");
    await expect(runGates([adds, adds], contextOf(health))).rejects.toThrow("adds");
  });
});
