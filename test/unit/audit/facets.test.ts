import { describe, expect, it } from "vitest";
import type { AuditFields } from "../../../core/audit/events.ts";
import { addressOf, facetsOf, outcomeOf } from "../../../core/audit/facets.ts";
import { repeatable } from "../../../core/audit/repeats.ts";

const user = "usr_01jd3x2k8hf9v8v3k4m5n6p7qa";
const call = (status_code: number | null): AuditFields => ({
  type: "api_call",
  user_id: user,
  endpoint: "/api/v1/me",
  method: "GET",
  status_code,
  duration_ms: null,
});
const entry = (event: AuditFields, result: "answered" | "reconciled_done" | "reconciled_not_done" | null = null) => ({
  phase: result === null ? ("event" as const) : ("outcome" as const),
  result,
  event,
});
const login = {
  type: "login",
  user_id: user,
  ip: "192.0.2.1",
  user_agent: "x",
  outcome: "failure",
  mfa: "not_reached",
  method: "password",
  reason: "wrong_password",
  country: "IN",
} as const;

describe("an entry's outcome", () => {
  it.each([
    [200, "success"],
    [302, "success"],
    [400, "failure"],
    [401, "denied"],
    [403, "denied"],
    [404, "failure"],
    [422, "failure"],
    [429, "denied"],
    [500, "failure"],
  ] as const)("of an answer of %i is %s", (status, outcome) => {
    expect(outcomeOf(entry(call(status)))).toBe(outcome);
  });

  it("of lost work is what the reconciler found, and of an intent there is none", () => {
    expect(outcomeOf(entry(call(null), "reconciled_done"))).toBe("success");
    expect(outcomeOf(entry(call(null), "reconciled_not_done"))).toBe("failure");
    expect(outcomeOf({ ...entry(call(null)), phase: "intent" })).toBeNull();
    expect(facetsOf({ ...entry(call(null)), phase: "intent" })).toEqual([]);
  });

  it("of an alert is none, and of a backup that failed a failure", () => {
    const about = { user_id: user, ip: null, country: null, country_before: null, count: 2, first_seq: 1, last_seq: 2 };
    expect(outcomeOf(entry({ type: "alert", kind: "mass_export", ...about }))).toBeNull();
    const backup = { type: "backup", user_id: null, org_id: "org_01jd3x2k8hf9v8v3k4m5n6p7qa" } as const;
    const backup_id = "bak_01jd3x2k8hf9v8v3k4m5n6p7qa";
    expect(outcomeOf(entry({ ...backup, backup_id, action: "failed" }))).toBe("failure");
    expect(outcomeOf(entry({ ...backup, backup_id, action: "restored" }))).toBe("success");
  });

  it("is beside it what it is found by; an address names a person and is none of them", () => {
    expect(facetsOf(entry(login))).toEqual([
      ["country", "IN"],
      ["outcome", "failure"],
    ]);
    expect(addressOf(login)).toBe("192.0.2.1");
    expect(addressOf({ ...login, ip: null } as unknown as AuditFields)).toBeNull();
    expect(addressOf(call(200))).toBeNull();
  });
});

describe("a repeated failure", () => {
  it("is the same whatever the client calls itself and however long it took", () => {
    expect(repeatable({ ...login, user_agent: "y" })).toEqual(repeatable(login));
    expect(repeatable({ ...call(404), duration_ms: 9 } as AuditFields)).toEqual(repeatable(call(404)));
  });

  it.each([
    ["another address", { ip: "192.0.2.2" }],
    ["another person", { user_id: null }],
    ["another reason", { reason: "throttled" }],
    ["another country", { country: "DE" }],
  ] as const)("is another one from %s", (_, change) => {
    expect(repeatable({ ...login, ...change } as AuditFields)).not.toEqual(repeatable(login));
  });

  it("is nothing that succeeded, and nothing that is no call, sign-in or denial", () => {
    expect(repeatable({ ...login, outcome: "success", reason: null })).toBeNull();
    expect([repeatable(call(200)), repeatable(call(null))]).toEqual([null, null]);
    expect(repeatable({ type: "policy_change", user_id: user, policy: "geo" })).toBeNull();
  });
});
