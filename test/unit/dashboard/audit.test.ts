import { describe, expect, it } from "vitest";
import type { AuditEntry } from "../../../workers/dashboard/src/api/schemas.ts";
import { actorOf, describe as describeEntry, outcomeOf } from "../../../workers/dashboard/src/pages/audit/describe.ts";
import { filterFromSearch, fromLocalInput, toLocalInput } from "../../../workers/dashboard/src/pages/audit/filter.ts";

const entry = (event: AuditEntry["event"], over: Partial<AuditEntry> = {}): AuditEntry => ({
  seq: 1,
  at: "2026-01-01T00:00:00.000Z",
  request_id: "req_1",
  phase: "event",
  intent_seq: null,
  result: null,
  event,
  leaf_hash: "00",
  ...over,
});
const nameOf = (id: string): string => (id === "usr_1" ? "Asha" : id);

describe("the audit log in words", () => {
  it("names people, and says so when they were erased", () => {
    const change = {
      type: "role_change",
      admin_id: "usr_2",
      target_user_id: "usr_1",
      old_role: "viewer",
      new_role: "admin",
    };
    expect(describeEntry(entry(change), nameOf)).toBe("Asha: viewer → admin");
    expect(describeEntry(entry({ ...change, target_user_id: null, new_role: null }), nameOf)).toBe(
      "someone erased removed (was viewer)",
    );
    expect(actorOf(entry(change))).toBe("usr_2");
    expect(actorOf(entry({ type: "login", user_id: null }))).toBeNull();
  });

  it("says what was called in words, and a route that it does not know by its address", () => {
    const call = { type: "api_call", status_code: 201 };
    const said = (method: string, endpoint: string) => describeEntry(entry({ ...call, method, endpoint }), nameOf);
    expect(said("POST", "/api/v1/orgs/{org}/invitations")).toBe("Invite by e-mail");
    expect(said("GET", "/api/v1/orgs/{org}/members")).toBe("Read: Members");
    expect(said("DELETE", "/api/v1/orgs/{org}/moon")).toBe("DELETE /orgs/{org}/moon");
  });

  it("shows the fields of a kind it has never heard of", () => {
    expect(describeEntry(entry({ type: "key_rotation", key: "k1" }), nameOf)).toBe('{"key":"k1"}');
  });

  it("tells work begun from work done, failed and found not done", () => {
    const call = { type: "api_call", status_code: 204 };
    expect(outcomeOf(entry(call, { phase: "intent" })).text).toBe("Begun");
    expect(outcomeOf(entry(call, { phase: "outcome", result: "answered" }))).toEqual({ text: "204", tone: "good" });
    expect(outcomeOf(entry({ ...call, status_code: 403 }, { phase: "outcome" })).tone).toBe("bad");
    expect(outcomeOf(entry(call, { phase: "outcome", result: "reconciled_not_done" })).text).toBe("Not done");
    expect(outcomeOf(entry({ type: "login", outcome: "failure" })).tone).toBe("bad");
  });
});

describe("the audit filter in the address", () => {
  it("drops a time that is none", () => {
    const filter = filterFromSearch(new URLSearchParams("type=login&from=tomorrow&to=2026-01-01T00:00:00Z"));
    expect(filter).toEqual({ type: "login", actor: "", from: "", to: "2026-01-01T00:00:00.000Z" });
  });

  it("gives back the minute that was typed, in any zone", () => {
    expect(toLocalInput(fromLocalInput("2026-05-06T07:08"))).toBe("2026-05-06T07:08");
    expect(fromLocalInput("")).toBe("");
    expect(toLocalInput("")).toBe("");
  });
});
