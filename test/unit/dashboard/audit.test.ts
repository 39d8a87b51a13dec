import { describe, expect, it } from "vitest";
import type { AuditEntry } from "../../../workers/dashboard/src/api/schemas.ts";
import { actorOf, describe as describeEntry, outcomeOf } from "../../../workers/dashboard/src/pages/audit/describe.ts";
import {
  filterFromSearch,
  fromLocalInput,
  noFilter,
  parseTyped,
  toLocalInput,
} from "../../../workers/dashboard/src/pages/audit/filter.ts";
import { isLate } from "../../../workers/dashboard/src/pages/audit/signed.ts";

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

  it.each([
    [
      {
        type: "access_denied",
        code: "step_up_required",
        method: "PUT",
        endpoint: "/api/v1/orgs/{org}/x",
        country: "DE",
      },
      "Denied (step up required): PUT /orgs/{org}/x from DE",
    ],
    [
      {
        type: "repeated",
        of: "login",
        reason: "wrong_password",
        endpoint: null,
        method: null,
        count: 19,
        first_seq: 7,
      },
      "19 more times as no. 7: login, wrong password",
    ],
    [
      { type: "alert", kind: "impossible_travel", country_before: "IN", country: "DE", first_seq: 3, last_seq: 4 },
      "Sign-ins from two countries within an hour: IN, DE (no. 3 to 4)",
    ],
    [
      { type: "alert", kind: "many_failures", country_before: null, first_seq: 1, last_seq: 9 },
      "Many failed sign-ins (no. 1 to 9)",
    ],
    [{ type: "enrollment", action: "enrolled", code_id: "enc_1", device_id: "dev_1" }, "Device enrolled (dev_1)"],
    [{ type: "device_command", command: "ping", device_id: "dev_1" }, "Command ping to dev_1"],
    [{ type: "backup", action: "restore_begun", backup_id: "bak_1" }, "Backup restore begun (bak_1)"],
    [{ type: "migration", action: "applied", from_version: 8, to_version: 9 }, "Schema 8 → 9: applied"],
  ])("says a %o as: %s", (event, said) => {
    expect(describeEntry(entry(event), nameOf)).toBe(said);
  });

  it.each([
    [
      { method: "passkey", outcome: "success", mfa: "passed" },
      "Sign-in with a passkey from 203.0.113.5 succeeded, with a second factor",
    ],
    [
      { method: "password", outcome: "failure", reason: "wrong_password" },
      "Sign-in with a password from 203.0.113.5 failed: wrong password",
    ],
    [
      { method: "password", outcome: "failure", reason: "factor_due" },
      "Sign-in with a password from 203.0.113.5: second factor asked for",
    ],
    [{ outcome: "failure" }, "Sign-in from 203.0.113.5 failed"],
    [
      { method: "carrier_pigeon", outcome: "failure", reason: "lost_at_sea" },
      "Sign-in with carrier pigeon from 203.0.113.5 failed: lost at sea",
    ],
  ])("tells how a sign-in was tried and why it failed: %j", (fields, said) => {
    expect(describeEntry(entry({ type: "login", ip: "203.0.113.5", ...fields }), nameOf)).toBe(said);
  });

  it.each([
    ["passkey", "added", "Asha added a passkey"],
    ["totp", "added", "Asha added an authenticator app"],
    ["totp", "removed", "Asha removed their authenticator app"],
    ["password", "changed", "Asha changed their password"],
    ["recovery_codes", "used", "Asha used a recovery code"],
    ["recovery_codes", "added", "Asha added recovery codes"],
    ["password", "reset", "The password of Asha was reset"],
  ])("says of the factor %s that it was %s", (factor, action, said) => {
    expect(describeEntry(entry({ type: "factor_change", user_id: "usr_1", factor, action }), nameOf)).toBe(said);
  });

  it("tells one session from all of them, whose they were, and what ended them", () => {
    const end = {
      type: "session_end",
      user_id: "usr_2",
      target_user_id: "usr_1",
      session_id: null,
      reason: "by_admin",
    };
    expect(describeEntry(entry(end), nameOf)).toBe("Every session of Asha ended: ended by an admin");
    expect(describeEntry(entry({ ...end, session_id: "ses_1", reason: "signed_out" }), nameOf)).toBe(
      "A session of Asha ended: signed out",
    );
  });

  it("names keys by their ids and policies by what they are about", () => {
    const key = { type: "key_change", user_id: null, kind: "api_key", key_id: "key_1", action: "revoked" };
    expect(describeEntry(entry(key), nameOf)).toBe("API key key_1 revoked");
    expect(describeEntry(entry({ type: "policy_change", user_id: null, policy: "mfa" }), nameOf)).toBe(
      "Policy changed: second factor",
    );
    expect(
      actorOf(entry({ type: "account_change", admin_id: "usr_2", target_user_id: "usr_1", action: "disabled" })),
    ).toBe("usr_2");
  });

  it("takes a sign-in that waits for its second factor for neither done nor failed", () => {
    const login = { type: "login", outcome: "failure", reason: "factor_due" };
    expect(outcomeOf(entry(login))).toEqual({ text: "Half-way", tone: "neutral" });
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

describe("the signature of the log", () => {
  it("is late when an entry has waited for two minutes, and not while there is none", () => {
    const nowMs = Date.parse("2026-01-01T00:05:00Z");
    expect(isLate(null, nowMs)).toBe(false);
    expect(isLate("2026-01-01T00:03:00Z", nowMs)).toBe(false);
    expect(isLate("2026-01-01T00:02:59Z", nowMs)).toBe(true);
  });
});

describe("the audit filter in the address", () => {
  it("drops a time that is none", () => {
    const filter = filterFromSearch(new URLSearchParams("type=login&from=tomorrow&to=2026-01-01T00:00:00Z"));
    expect(filter).toEqual({ ...noFilter, type: "login", to: "2026-01-01T00:00:00.000Z" });
  });

  it("keeps of what stands in the address what the server takes", () => {
    const device = "dev_01jzq4m6xnf7x9a3v5w8k2p0rb";
    const document = "doc_01jzq4m6xnf7x9a3v5w8k2p0rb";
    const taken = { outcome: "denied", target: device, document, address: "2001:db8::7", country: "DE" };
    expect(filterFromSearch(new URLSearchParams(taken))).toEqual({ ...noFilter, ...taken });
    const none = { outcome: "perhaps", target: "org_1", document: device, address: "' OR 1=1", country: "Germany" };
    expect(filterFromSearch(new URLSearchParams(none))).toEqual(noFilter);
  });

  it("takes a country however it is typed, and says what is none", () => {
    expect([parseTyped("country", " de "), parseTyped("country", "D"), parseTyped("target", "")]).toEqual([
      "DE",
      null,
      "",
    ]);
  });

  it("gives back the minute that was typed, in any zone", () => {
    expect(toLocalInput(fromLocalInput("2026-05-06T07:08"))).toBe("2026-05-06T07:08");
    expect(fromLocalInput("")).toBe("");
    expect(toLocalInput("")).toBe("");
  });
});
