import { describe, expect, it } from "vitest";
import type { StoredEvent, StoredSample } from "../../soak/database.ts";
import { checkAudit, checkSamples } from "../../soak/kills/invariants.ts";

const device = { id: "dev_1", sent: ["a", "b", "c"], acknowledged: new Set(["a", "b"]) };
const row = (sample_id: string, received_ms: number, device_id = "dev_1"): StoredSample => ({
  device_id,
  sample_id,
  received_ms: String(received_ms),
});

describe("samples after kills", () => {
  it("may lack what was not acknowledged, and share a millisecond", () => {
    expect(checkSamples([device], [row("b", 1), row("a", 1)])).toBeNull();
  });
  it.each([
    ["is not stored", [row("a", 1)]],
    ["is stored twice", [row("a", 1), row("b", 2), row("b", 2)]],
    ["received before a", [row("a", 2), row("b", 1)]],
    ["never sent", [row("a", 1), row("b", 2), row("x", 3)]],
    ["published nothing", [row("a", 1), row("b", 2), row("a", 3, "dev_2")]],
  ])("are refused when one %s", (words, stored) => {
    expect(checkSamples([device], stored)).toContain(words);
  });
});

const event = (seq: number, request_id: string, over: Partial<StoredEvent> = {}): StoredEvent => ({
  seq,
  request_id,
  phase: "event",
  intent_seq: null,
  result: null,
  status: 200,
  ...over,
});
const intent = event(2, "w", { phase: "intent", status: null });
const outcome = event(3, "w", { phase: "outcome", intent_seq: 2, result: "answered", status: 201 });
const answered = [
  { id: "r", method: "GET", status: 200 },
  { id: "w", method: "POST", status: 201 },
  { id: "lost", method: "POST", status: 503 },
] as const;

describe("the audit log after kills", () => {
  it("holds each answer as it was given", () => {
    expect(checkAudit([event(1, "r"), intent, outcome], answered)).toBeNull();
  });
  it.each([
    ["sequence number 2 is missing", [event(1, "r"), outcome]],
    ["sequence number 2 is missing or there twice", [event(1, "r"), event(1, "r")]],
    ["intent 2 has no outcome", [event(1, "r"), intent]],
    ["two outcomes", [event(1, "r"), intent, outcome, { ...outcome, seq: 4 }]],
    ["r was answered by 200 and is not in the log", [event(1, "other"), intent, outcome]],
    ["w was answered by 201, the log says 500", [event(1, "r"), intent, { ...outcome, status: 500 }]],
  ])("is refused: %s", (words, events) => {
    expect(checkAudit(events, answered)).toContain(words);
  });
});
