import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  addressFailuresMin,
  alertWindowMs,
  exportedDocumentsMin,
  personFailuresMin,
} from "../../../core/audit/alerts.ts";
import type { AuditFields } from "../../../core/audit/events.ts";
import { makeId, type OrgId, type UserId } from "../../../core/ids.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { watchedMax } from "../../../durable-objects/audit-log/alerts.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
import { resetSink } from "./fake-sink.ts";
import {
  apiCall,
  entrypoints,
  jobCall,
  login,
  newOrg,
  newRequest,
  newUser,
  passTime,
  stopClock,
  userCall,
} from "./harness.ts";
import { logOf } from "./log-kit.ts";

async function append(org: OrgId, ...events: readonly AuditFields[]): Promise<void> {
  await entrypoints.AuditIntake.append(await jobCall(org, newRequest()), org, events);
}
const alertsOf = async (org: OrgId) => {
  const filter = { type: "alert", actor: null, fromMs: null, toMs: null, beforeSeq: null, limit: 200 } as const;
  const { items } = await runInDurableObject(logOf(org), (log: AuditLog) => log.list(org, filter));
  return items.toReversed().map(({ event }) => event);
};
const failed = (user: UserId | null, ip = "203.0.113.7"): AuditFields =>
  login(user, {
    ip,
    outcome: "failure",
    mfa: "not_reached",
    method: "password",
    reason: "wrong_password",
    country: "IN",
  });
const from = (user: UserId, country: string): AuditFields => login(user, { method: "password", reason: null, country });
const raise = (by: UserId, target: UserId, new_role: Role = "admin"): AuditFields => ({
  type: "role_change",
  admin_id: by,
  target_user_id: target,
  old_role: "viewer",
  new_role,
});
const newDocuments = (count: number) =>
  Array.from({ length: count }, () => makeId("document", Date.now(), crypto.getRandomValues(new Uint8Array(10))));
const taken = (user: UserId, count: number): AuditFields => ({
  type: "export",
  user_id: user,
  format: "csv",
  document_ids: newDocuments(count),
  destination: "download",
});
const policy = (user: UserId): AuditFields => ({ type: "policy_change", user_id: user, policy: "geo" });

beforeAll(stopClock);
beforeEach(resetSink);

describe("an alert", () => {
  it("tells of many failed sign-ins of one person, folded ones too, once in its window", async () => {
    const [org, user] = [newOrg(), newUser()];
    for (let time = 1; time < personFailuresMin; time += 1) {
      await append(org, failed(user));
      if (time === 4) await evictDurableObject(logOf(org));
    }
    expect(await alertsOf(org)).toEqual([]);
    for (let time = 0; time < 5; time += 1) await append(org, failed(user));
    const alert = { type: "alert", kind: "many_failures", ip: null, country: null, country_before: null };
    expect(await alertsOf(org)).toEqual([
      { ...alert, user_id: user, count: personFailuresMin, first_seq: 1, last_seq: 1 },
    ]);
    passTime(alertWindowMs.many_failures);
    for (let time = 0; time < personFailuresMin; time += 1) await append(org, failed(user));
    expect(await alertsOf(org)).toHaveLength(2);
  });

  it("tells of one address that tries many people, and is silent about people who mistype", async () => {
    const org = newOrg();
    for (let time = 0; time < addressFailuresMin - 1; time += 1) await append(org, failed(newUser(), "198.51.100.9"));
    await append(org, failed(newUser(), "198.51.100.10"));
    expect(await alertsOf(org)).toEqual([]);
    await append(org, failed(null, "198.51.100.9"));
    expect(await alertsOf(org)).toMatchObject([
      { kind: "many_failures", user_id: null, ip: "198.51.100.9", count: addressFailuresMin },
    ]);
  });

  it("does not count the first step of two, nor what is spread over hours", async () => {
    const [org, user] = [newOrg(), newUser()];
    const halfWay = { ...failed(user), reason: "factor_due" } as AuditFields;
    for (let time = 0; time < personFailuresMin; time += 1) await append(org, halfWay);
    for (let time = 0; time < personFailuresMin; time += 1) {
      await append(org, failed(user));
      passTime(alertWindowMs.many_failures / 5);
    }
    expect(await alertsOf(org)).toEqual([]);
  });

  it("tells of a person who signs in from two countries within an hour", async () => {
    const [org, user] = [newOrg(), newUser()];
    await append(org, from(user, "IN"), from(newUser(), "DE"), from(user, "IN"));
    passTime(alertWindowMs.impossible_travel - 1);
    await append(org, from(user, "DE"));
    expect(await alertsOf(org)).toEqual([
      {
        type: "alert",
        kind: "impossible_travel",
        user_id: user,
        ip: null,
        country: "DE",
        country_before: "IN",
        count: 2,
        first_seq: 3,
        last_seq: 4,
      },
    ]);
  });

  it("is silent about whoever takes an hour, fails, or comes from nowhere", async () => {
    const [org, user] = [newOrg(), newUser()];
    await append(org, from(user, "IN"));
    passTime(alertWindowMs.impossible_travel);
    await append(org, from(user, "DE"), from(user, "T1"), from(user, "XX"), {
      ...failed(user),
      country: "FR",
    } as AuditFields);
    expect(await alertsOf(org)).toEqual([]);
  });

  it("tells of a person who takes many documents out, in one export or in several", async () => {
    const [org, user, other] = [newOrg(), newUser(), newUser()];
    await append(org, taken(user, exportedDocumentsMin - 1), taken(other, exportedDocumentsMin));
    await append(org, taken(user, 1));
    expect(await alertsOf(org)).toMatchObject([
      { kind: "mass_export", user_id: other, count: exportedDocumentsMin, first_seq: 2, last_seq: 2 },
      { kind: "mass_export", user_id: user, count: exportedDocumentsMin, first_seq: 1, last_seq: 4 },
    ]);
  });

  it("tells of a role that was raised and used at once, also when an outcome brings it", async () => {
    const [org, owner, raised] = [newOrg(), newUser(), newUser()];
    await append(org, raise(owner, raised));
    const request = newRequest();
    const call = await userCall("durable-objects.audit-intake", org, request, raised);
    const handle = await entrypoints.AuditIntake.intent(call, org, apiCall(raised, null));
    const again = await userCall("durable-objects.audit-intake", org, request, raised);
    const { seq } = await entrypoints.AuditIntake.outcome(again, handle, apiCall(raised, 200), [
      policy(raised),
      policy(raised),
    ]);
    const alert = { type: "alert", kind: "role_raised_then_used", user_id: raised, ip: null };
    expect(await alertsOf(org)).toEqual([
      { ...alert, country: null, country_before: null, count: 2, first_seq: 1, last_seq: seq + 1 },
    ]);
    // Telling it again is one closing still: the alert stands behind what is the outcome's own.
    const repeated = await userCall("durable-objects.audit-intake", org, request, raised);
    const events = [policy(raised), policy(raised)];
    expect(await entrypoints.AuditIntake.outcome(repeated, handle, apiCall(raised, 200), events)).toMatchObject({
      seq,
    });
    expect(await alertsOf(org)).toHaveLength(1);
  });

  it("is silent about who founds, who is raised to less, who waits, and who was never raised", async () => {
    const [org, founder, analyst, patient] = [newOrg(), newUser(), newUser(), newUser()];
    await append(org, raise(founder, founder, "owner"), policy(founder));
    await append(org, raise(founder, analyst, "analyst"), taken(analyst, 1));
    await append(org, raise(founder, patient));
    passTime(alertWindowMs.role_raised_then_used);
    await append(org, policy(patient));
    expect(await alertsOf(org)).toEqual([]);
  });

  it("names nobody any more who was erased, and is the log's alone to say", async () => {
    const [org, user] = [newOrg(), newUser()];
    await append(org, from(user, "IN"), from(user, "DE"));
    const [alert] = await alertsOf(org);
    await expect(append(org, alert!)).rejects.toThrow("not an audit event");
    await logOf(org).erasePerson(org, newRequest(), null, user);
    expect(await alertsOf(org)).toMatchObject([{ kind: "impossible_travel", user_id: null }]);
    const stored = await runInDurableObject(logOf(org), (_log, state) =>
      JSON.stringify(["entries", "watched"].map((table) => state.storage.sql.exec(`SELECT * FROM ${table}`).toArray())),
    );
    expect(stored).not.toContain(user);
  });

  it("is looked for among a bounded number; the entries are there all the same", async () => {
    const [org, user] = [newOrg(), newUser()];
    await append(org, login(newUser()));
    await runInDurableObject(logOf(org), (_log, state) => {
      state.storage.sql.exec(
        `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)
         INSERT INTO watched SELECT 'x', n, 1, '', 1, 0, ? FROM n`,
        watchedMax,
        Date.now() + alertWindowMs.impossible_travel,
      );
    });
    await append(org, from(user, "IN"), from(user, "DE"));
    expect(await alertsOf(org)).toEqual([]);
    const rows = await runInDurableObject(logOf(org), (_log, state) => [
      state.storage.sql.exec("SELECT count(*) AS n FROM watched").one()["n"],
      state.storage.sql.exec("SELECT count(*) AS n FROM entries").one()["n"],
    ]);
    expect(rows).toEqual([watchedMax, 3]);
  });
});
