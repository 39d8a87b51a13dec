import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Activity, ActivityQuery } from "../../../core/audit/activity.ts";
import type { AuditFields } from "../../../core/audit/events.ts";
import type { OrgId } from "../../../core/ids.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
import { countedPerTurnMax } from "../../../durable-objects/audit-log/event-counts.ts";
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
import { change, logOf, readerCall } from "./log-kit.ts";

const write = (org: OrgId, ...events: AuditFields[]) =>
  runInDurableObject(logOf(org), (instance: AuditLog) => instance.append(org, newRequest(), events));
const read = async (org: OrgId, query: ActivityQuery = { days: 1, zone: 0 }) =>
  (await entrypoints.AuditReader.activity(await readerCall(org), query)) as Activity;
/** `type outcome` → count, whenever it was. */
const sums = ({ counts }: Activity) =>
  Object.fromEntries(counts.map(({ type, outcome, count }) => [`${type} ${outcome}`, count]));
const hour = 3600_000;

beforeAll(stopClock);
beforeEach(resetSink);

describe("AuditLog: activity", () => {
  it("counts events by type and outcome, an intent with what closes it", async () => {
    const org = newOrg();
    const failed = () => login(newUser(), { outcome: "failure" });
    await write(org, login(newUser()), login(newUser()), failed(), apiCall(newUser(), 200), apiCall(newUser(), 403));
    const requestId = newRequest();
    const seq = await runInDurableObject(logOf(org), async (instance: AuditLog) => {
      return (await instance.intent(org, requestId, apiCall(newUser(), null))).seq;
    });
    expect(sums(await read(org))).toEqual({
      "login success": 2,
      "login failure": 1,
      "api_call success": 1,
      "api_call denied": 1,
    });
    await runInDurableObject(logOf(org), async (instance: AuditLog) => {
      await instance.outcome(org, requestId, seq, apiCall(newUser(), 500), []);
    });
    expect(sums(await read(org))).toMatchObject({ "api_call success": 1, "api_call failure": 1 });
    // Counted once, however often it is read and whatever is evicted.
    await evictDurableObject(logOf(org));
    expect(sums(await read(org))).toMatchObject({ "login success": 2, "api_call failure": 1 });
  });

  it("says in which hour or day of the reader's zone it was, and forgets what no chart shows", async () => {
    const org = newOrg();
    // To the start of an hour, then half of one: in Kolkata the next hour has begun.
    passTime(hour - (Date.now() % hour));
    await write(org, login(newUser()));
    const first = Date.now();
    passTime(40 * 60_000);
    await write(org, login(newUser()));
    const inUtc = await read(org);
    expect(inUtc.counts.map(({ atMs, count }) => [atMs - first, count])).toEqual([[0, 2]]);
    const inIndia = await read(org, { days: 1, zone: 330 });
    expect(inIndia.counts.map(({ atMs, count }) => [atMs - first, count])).toEqual([
      [-hour / 2, 1],
      [hour / 2, 1],
    ]);
    expect([inUtc.steps, inUtc.stepMs, inUtc.fromMs]).toEqual([24, hour, first - 23 * hour]);
    passTime(24 * hour);
    expect((await read(org)).counts).toEqual([]);
    const week = await read(org, { days: 7, zone: 330 });
    expect(week.counts.map(({ count }) => count).reduce((sum, count) => sum + count, 0)).toBe(2);
    expect([week.steps, (week.fromMs + 330 * 60_000) % (24 * hour)]).toEqual([7, 0]);
    passTime(40 * 24 * hour);
    expect((await read(org, { days: 30, zone: 0 })).counts).toEqual([]);
    const kept = await runInDurableObject(logOf(org), (_: AuditLog, state) =>
      state.storage.sql.exec("SELECT 1 FROM event_counts").toArray(),
    );
    expect(kept).toEqual([]);
  });

  it("counts a log from before there were counts, a turn's worth at a time, and says while it does", async () => {
    const org = newOrg();
    await write(org, login(newUser()));
    await change(
      org,
      `INSERT INTO entries (seq, at_ms, request_id, phase, type, event, personal, leaf, leaf_hash, alongside)
       WITH RECURSIVE more(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM more WHERE n < ?)
       SELECT n, e.at_ms, e.request_id, e.phase, e.type, e.event, e.personal, e.leaf, e.leaf_hash, 0 FROM more, entries e WHERE e.seq = 1`,
      countedPerTurnMax + 5,
    );
    await change(org, "INSERT INTO facets SELECT 'outcome', 'success', seq FROM entries WHERE seq > 1");
    await change(org, "DELETE FROM event_counts");
    await change(org, "DELETE FROM counted");
    const first = await read(org);
    expect([first.complete, sums(first)]).toEqual([false, { "login success": countedPerTurnMax }]);
    const second = await read(org);
    expect([second.complete, sums(second)]).toEqual([true, { "login success": countedPerTurnMax + 5 }]);
  });

  it("answers those who may read the log, about their own, and takes no other query", async () => {
    const [org, other] = [newOrg(), newOrg()];
    await write(org, login(newUser()));
    expect((await read(other)).counts).toEqual([]);
    for (const role of ["analyst", "viewer"] as const) {
      const call = await userCall("durable-objects.audit-reader", org, newRequest(), newUser(), role);
      await expect((async () => await entrypoints.AuditReader.activity(call, { days: 1, zone: 0 }))()).rejects.toThrow(
        "not_granted",
      );
    }
    const job = await jobCall(org, newRequest());
    await expect((async () => await entrypoints.AuditReader.activity(job, { days: 1, zone: 0 }))()).rejects.toThrow();
    const call = await readerCall(org);
    for (const query of [
      { days: 2, zone: 0 },
      { days: 1, zone: 7 },
      { days: 1, zone: 900 },
      { days: 1, zone: 0.5 },
    ])
      await expect(
        (async () => await entrypoints.AuditReader.activity(call, query as ActivityQuery))(),
      ).rejects.toThrow("not a query");
  });
});
