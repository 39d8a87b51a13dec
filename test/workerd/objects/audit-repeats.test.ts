import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AuditFields } from "../../../core/audit/events.ts";
import type { OrgId } from "../../../core/ids.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
import { repeatsMax, repeatsOpenMs } from "../../../durable-objects/audit-log/repeats.ts";
import { resetSink } from "./fake-sink.ts";
import { apiCall, entrypoints, jobCall, login, newOrg, newRequest, newUser, passTime, stopClock } from "./harness.ts";
import { logOf } from "./log-kit.ts";

async function append(org: OrgId, events: readonly AuditFields[], request = newRequest()): Promise<number[]> {
  return (await entrypoints.AuditIntake.append(await jobCall(org, request), org, events)).seqs;
}
const entriesOf = async (org: OrgId) => {
  const filter = { type: null, actor: null, fromMs: null, toMs: null, beforeSeq: null, limit: 200 };
  const { items } = await runInDurableObject(logOf(org), (log: AuditLog) => log.list(org, filter));
  // What it makes of many failures is audit-alerts.test.ts's.
  return items.toReversed().filter(({ event }) => event.type !== "alert");
};
const failure = (user = newUser(), more = {}): AuditFields =>
  login(user, {
    outcome: "failure",
    mfa: "not_reached",
    method: "password",
    reason: "wrong_password",
    country: "DE",
    ...more,
  });
const minutePasses = async (org: OrgId): Promise<void> => {
  passTime(repeatsOpenMs);
  await runDurableObjectAlarm(logOf(org));
};

beforeAll(stopClock);
beforeEach(resetSink);

describe("a failure that repeats", () => {
  it("is an entry the first time; the others are one that says how many, when, and which was the last", async () => {
    const [org, user, last] = [newOrg(), newUser(), newRequest()];
    const firstMs = Date.now();
    expect(await append(org, [failure(user)])).toEqual([1]);
    for (let time = 0; time < 19; time += 1) {
      passTime(1000);
      expect(
        await append(org, [failure(user, { user_agent: `tool ${time}` })], time === 18 ? last : newRequest()),
      ).toEqual([1]);
      if (time === 9) await evictDurableObject(logOf(org));
    }
    expect(await entriesOf(org)).toHaveLength(1);
    await minutePasses(org);
    const [first, sum, ...more] = await entriesOf(org);
    expect(more).toEqual([]);
    expect(first?.event).toEqual(failure(user));
    expect(sum).toMatchObject({ phase: "event", request_id: last });
    expect(sum?.event).toEqual({
      type: "repeated",
      of: "login",
      user_id: user,
      ip: "203.0.113.7",
      country: "DE",
      endpoint: null,
      method: null,
      status_code: null,
      reason: "wrong_password",
      first_seq: 1,
      count: 19,
      first_at: new Date(firstMs + 1000).toISOString(),
      last_at: new Date(firstMs + 19_000).toISOString(),
      last_request_id: last,
    });
  });

  it("begins anew after a minute, also when the alarm is late: no sum is longer", async () => {
    const [org, user] = [newOrg(), newUser()];
    await append(org, [failure(user), failure(user)]);
    passTime(repeatsOpenMs);
    expect(await append(org, [failure(user)])).toEqual([3]);
    const entries = await entriesOf(org);
    expect(entries.map(({ event }) => event.type)).toEqual(["login", "repeated", "login"]);
    await minutePasses(org);
    // One that stayed alone leaves no sum behind.
    expect(await entriesOf(org)).toHaveLength(3);
  });

  it("hides nobody else's: another person, address, reason or route is an entry of its own", async () => {
    const [org, user] = [newOrg(), newUser()];
    const different = [
      failure(user),
      failure(user, { ip: "203.0.113.8" }),
      failure(user, { reason: "throttled" }),
      failure(),
      apiCall(user, 403),
      apiCall(user, 404),
    ];
    expect(await append(org, different)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("is never what succeeded, nor what was begun or done", async () => {
    const [org, user] = [newOrg(), newUser()];
    const change = { type: "policy_change", user_id: user, policy: "geo" } as const;
    expect(
      await append(org, [login(user), login(user), apiCall(user, 200), apiCall(user, 200), change, change]),
    ).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("is counted once for each that was told so: sums and entries make all of them", async () => {
    const org = newOrg();
    const users = Array.from({ length: 5 }, () => newUser());
    for (let round = 0; round < 12; round += 1) {
      await Promise.all(users.map((user) => append(org, [failure(user), apiCall(user, 403)])));
      if (round % 4 === 3) await evictDurableObject(logOf(org));
    }
    await minutePasses(org);
    const entries = await entriesOf(org);
    const counted = entries.map(({ event }) => (event.type === "repeated" ? event.count : 1));
    expect(counted.reduce((sum, one) => sum + one, 0)).toBe(120);
    expect(entries).toHaveLength(20);
  });

  it("is written one by one when there are more kinds than can be counted: none is lost", async () => {
    const [org, user] = [newOrg(), newUser()];
    await append(org, [login(user)]);
    await runInDurableObject(logOf(org), (_log, state) => {
      state.storage.sql.exec(
        `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)
         INSERT INTO repeats SELECT 'x' || n, 1, 0, 0, 0, 'x', ? FROM n`,
        repeatsMax,
        Date.now() + repeatsOpenMs,
      );
    });
    expect(await append(org, [failure(user), failure(user)])).toEqual([2, 3]);
  });

  it("names nobody any more who was erased while it was counted", async () => {
    const [org, gone, other] = [newOrg(), newUser(), newUser()];
    await append(org, [
      failure(gone, { ip: "198.51.100.9" }),
      failure(gone, { ip: "198.51.100.9" }),
      failure(other),
      failure(other),
    ]);
    await logOf(org).erasePerson(org, newRequest(), null, gone);
    const stored = await runInDurableObject(logOf(org), (_log, state) =>
      JSON.stringify(
        ["entries", "facets", "repeats"].map((table) => state.storage.sql.exec(`SELECT * FROM ${table}`).toArray()),
      ),
    );
    for (const trace of [gone, "198.51.100.9"]) expect(stored).not.toContain(trace);
    expect((await entriesOf(org)).filter(({ event }) => event.type === "repeated")).toHaveLength(2);
  });

  it("is said by the log alone: no caller can claim one", async () => {
    const org = newOrg();
    await append(org, [failure(), failure()]);
    const user = newUser();
    await append(org, [failure(user), failure(user)]);
    await minutePasses(org);
    const sum = (await entriesOf(org)).find(({ event }) => event.type === "repeated");
    await expect(append(org, [sum!.event])).rejects.toThrow("not an audit event");
  });
});
