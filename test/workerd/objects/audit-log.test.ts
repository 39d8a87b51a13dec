import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../../core/audit/events.ts";
import { leafHash } from "../../../core/audit/leaf.ts";
import { type LogName, platformLog } from "../../../core/audit/logs.ts";
import type { OrgId, UserId } from "../../../core/ids.ts";
import type { AuditFilter, IntentHandle } from "../../../core/rpc/durable-objects.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
import { checkpointCopyMs } from "../../../durable-objects/audit-log/log-copy.ts";
import { intentOpenMsMax } from "../../../durable-objects/audit-log/open-intents.ts";
import { checkpointDelayMs } from "../../../durable-objects/audit-log/published-log.ts";
import { sha256 } from "../../../durable-objects/sha256.ts";
import { resetSink, sink } from "./fake-sink.ts";
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

const everything: AuditFilter = { type: null, actor: null, fromMs: null, toMs: null, beforeSeq: null, limit: 200 };

/** All of a log, oldest first. */
async function entriesOf(log: LogName): Promise<AuditEntry[]> {
  return (await runInDurableObject(logOf(log), (instance: AuditLog) => instance.list(log, everything))).items.reverse();
}

async function openIntent(org: OrgId, user: UserId): Promise<{ handle: IntentHandle; requestId: string }> {
  const requestId = newRequest();
  const call = await userCall("durable-objects.audit-intake", org, requestId, user);
  return { handle: await entrypoints.AuditIntake.intent(call, org, apiCall(user, null)), requestId };
}

beforeAll(stopClock);
beforeEach(resetSink);

describe("AuditLog: sequence", () => {
  it("numbers entries 1, 2, 3 … without a gap across evictions and concurrent callers", async () => {
    const org = newOrg();
    const seqs: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 5 }, async () => {
          const call = await jobCall(org, newRequest());
          return await entrypoints.AuditIntake.append(call, org, [login(newUser()), login(null)]);
        }),
      );
      seqs.push(...answers.flatMap((answer) => answer.seqs));
      await evictDurableObject(logOf(org));
    }
    expect(seqs.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    expect((await entriesOf(org)).map((entry) => entry.seq)).toEqual(seqs);
  });

  it("uses no number for what it refuses", async () => {
    const org = newOrg();
    const append = async (events: unknown[]) =>
      await entrypoints.AuditIntake.append(await jobCall(org, newRequest()), org, events as never);
    const good = login(newUser());
    await append([good]);
    const { ip: _ip, ...incomplete } = good as unknown as Record<string, unknown>;
    const refused = { type: "edge_refusals", gate: "geo", code: "geo_denied", country: "US", count: 1 };
    const wrong = [
      { ...good, extra: 1 },
      incomplete,
      { ...good, mfa: "maybe" },
      { ...good, user_id: "root\r\n" },
      refused,
    ];
    for (const event of [...wrong, null, "login"]) await expect(append([good, event])).rejects.toThrow("audit event");
    await expect(append([])).rejects.toThrow("audit event");
    expect(await append([good])).toMatchObject({ seqs: [2] });
  });

  it("never dates an entry before the one it follows, though the clock goes back", async () => {
    const org = newOrg();
    const append = async () =>
      await entrypoints.AuditIntake.append(await jobCall(org, newRequest()), org, [login(null)]);
    await append();
    passTime(-3000);
    await append();
    passTime(3000);
    const [first, second] = await entriesOf(org);
    expect(second?.at).toBe(first?.at);
  });
});

describe("AuditLog: intent and outcome", () => {
  it("stores an outcome and what it caused before it returns", async () => {
    const [org, user, target] = [newOrg(), newUser(), newUser()];
    const { handle, requestId } = await openIntent(org, user);
    const call = await userCall("durable-objects.audit-intake", org, requestId, user);
    const change = {
      type: "role_change",
      admin_id: user,
      target_user_id: target,
      old_role: "viewer",
      new_role: "admin",
    } as const;
    const { seq } = await entrypoints.AuditIntake.outcome(call, handle, apiCall(user, 200), [change]);
    await evictDurableObject(logOf(org));
    const entries = await entriesOf(org);
    expect(
      entries.map(({ phase, intent_seq, result, request_id }) => ({ phase, intent_seq, result, request_id })),
    ).toEqual([
      { phase: "intent", intent_seq: null, result: null, request_id: requestId },
      { phase: "outcome", intent_seq: 1, result: "answered", request_id: requestId },
      { phase: "event", intent_seq: null, result: null, request_id: requestId },
    ]);
    expect(entries[2]?.event).toEqual(change);
    // Closing again with the same content is one closing; with other content it is refused.
    expect(await entrypoints.AuditIntake.outcome(call, handle, apiCall(user, 200), [change])).toMatchObject({ seq });
    for (const [status, others] of [
      [500, [change]],
      [200, []],
    ] as const) {
      const again = async () => await entrypoints.AuditIntake.outcome(call, handle, apiCall(user, status), others);
      await expect(again()).rejects.toThrow("already closed");
    }
    expect(await entriesOf(org)).toHaveLength(3);
  });

  it("lets only the request that opened an intent close it, and with the same type of event", async () => {
    const [org, user] = [newOrg(), newUser()];
    const { handle, requestId } = await openIntent(org, user);
    const close = async (rid: string, seq: number, event = apiCall(user, 200)) => {
      const call = await userCall("durable-objects.audit-intake", org, rid, user);
      return await entrypoints.AuditIntake.outcome(call, { ...handle, seq }, event);
    };
    await expect(close(newRequest(), handle.seq)).rejects.toThrow("no open intent");
    await expect(close(requestId, handle.seq + 1)).rejects.toThrow("no open intent");
    await expect(close(requestId, handle.seq, login(user))).rejects.toThrow("another type");
    await expect(close(requestId, handle.seq)).resolves.toMatchObject({ seq: 2 });
    await expect(close(newRequest(), handle.seq)).rejects.toThrow("already closed");
  });
});

describe("AuditLog: reconciler", () => {
  it("closes lost intents truthfully, both ways, and only when no request can live any more", async () => {
    const [org, user] = [newOrg(), newUser()];
    const done = await openIntent(org, user);
    const notDone = await openIntent(org, user);
    sink.receipts.add(done.requestId);
    passTime(intentOpenMsMax - 1);
    await runDurableObjectAlarm(logOf(org));
    expect(sink.lookups).toEqual([]);
    await evictDurableObject(logOf(org));
    passTime(1);
    await runDurableObjectAlarm(logOf(org));
    expect(sink.lookups.map((lookup) => lookup.requestId).sort()).toEqual([done.requestId, notDone.requestId].sort());
    const outcomes = (await entriesOf(org))
      .slice(2)
      .map(({ phase, intent_seq, result }) => ({ phase, intent_seq, result }));
    expect(outcomes).toEqual([
      { phase: "outcome", intent_seq: done.handle.seq, result: "reconciled_done" },
      { phase: "outcome", intent_seq: notDone.handle.seq, result: "reconciled_not_done" },
    ]);
    // The verdict stands: an answer that comes after it is refused, so the caller fails closed.
    const late = await userCall("durable-objects.audit-intake", org, notDone.requestId, user);
    const closing = async () => await entrypoints.AuditIntake.outcome(late, notDone.handle, apiCall(user, 200));
    await expect(closing()).rejects.toThrow("already closed");
  });

  it("never guesses: while the look-up fails an intent stays open, across evictions", async () => {
    const [org, user] = [newOrg(), newUser()];
    const { requestId } = await openIntent(org, user);
    sink.receipts.add(requestId);
    sink.lookupsFail = true;
    passTime(intentOpenMsMax);
    for (let attempt = 0; attempt < 12; attempt += 1) {
      await runDurableObjectAlarm(logOf(org));
      await evictDurableObject(logOf(org));
      expect(await entriesOf(org)).toHaveLength(1);
      passTime(6 * 60_000);
    }
    expect(sink.lookups).toHaveLength(12);
    sink.lookupsFail = false;
    await runDurableObjectAlarm(logOf(org));
    expect((await entriesOf(org)).at(-1)?.result).toBe("reconciled_done");
  });

  it("lets an outcome that arrives during the look-up count, and adds no second one", async () => {
    const [org, user] = [newOrg(), newUser()];
    const { handle, requestId } = await openIntent(org, user);
    passTime(intentOpenMsMax);
    const call = await userCall("durable-objects.audit-intake", org, requestId, user);
    sink.duringLookup = async () => {
      await entrypoints.AuditIntake.outcome(call, handle, apiCall(user, 200));
    };
    await runDurableObjectAlarm(logOf(org));
    expect(sink.lookups).toHaveLength(1);
    expect((await entriesOf(org)).map((entry) => entry.result)).toEqual([null, "answered"]);
  });

  it("looks up a platform log's intents without an organisation", async () => {
    const requestId = newRequest();
    const log = platformLog(requestId);
    const handle = await entrypoints.AuditIntake.intent(await jobCall(null, requestId), null, apiCall(null, null));
    expect(handle.log).toBe(log);
    passTime(intentOpenMsMax);
    await runDurableObjectAlarm(logOf(log));
    expect(sink.lookups).toEqual([{ org: null, requestId }]);
  });
});

describe("AuditLog: drain", () => {
  const append = async (org: OrgId, count: number) => {
    const call = await jobCall(org, newRequest());
    await entrypoints.AuditIntake.append(
      call,
      org,
      Array.from({ length: count }, () => login(newUser())),
    );
  };
  const drained = (org: OrgId) => [...sink.rows.keys()].filter((key) => key.startsWith(org));
  const inOrder = (org: OrgId, count: number) => Array.from({ length: count }, (_, index) => `${org} ${index + 1}`);

  it("writes every entry in order, exactly as it was hashed, in batches", async () => {
    const org = newOrg();
    for (let call = 0; call < 8; call += 1) await append(org, 32);
    await runDurableObjectAlarm(logOf(org));
    expect(sink.arrivals).toEqual([]);
    passTime(1000);
    await runDurableObjectAlarm(logOf(org));
    expect(sink.arrivals).toEqual(inOrder(org, 256));
    const entries = await entriesOf(org);
    for (const { entry, leafJson, sealed } of [...sink.rows.values()].slice(-200)) {
      const shown = entries.find((other) => other.seq === entry.seq);
      const nobody = { user_id: null, ip: null, user_agent: null };
      expect(entry).toEqual({ ...shown, event: { ...shown?.event, ...nobody } });
      expect(leafHash(leafJson, sha256)).toBe(entry.leaf_hash);
      // All three are the person's.
      expect(sealed).toHaveLength(1);
    }
    // The checkpoint over them is what is left to do, and its copy; then the log sleeps.
    passTime(checkpointDelayMs);
    expect(await runDurableObjectAlarm(logOf(org))).toBe(true);
    passTime(checkpointCopyMs);
    expect(await runDurableObjectAlarm(logOf(org))).toBe(true);
    expect(await runDurableObjectAlarm(logOf(org))).toBe(false);
  });

  it("survives a sink that is down, loses nothing and stores nothing twice when an answer was lost", async () => {
    const org = newOrg();
    await append(org, 3);
    passTime(1000);
    for (const fail of ["before", "stored", "before", "stored", "stored"] as const) {
      sink.fail = fail;
      await runDurableObjectAlarm(logOf(org));
      await evictDurableObject(logOf(org));
      await append(org, 2);
      passTime(5 * 60_000);
    }
    expect(drained(org).length).toBeLessThan(13);
    sink.fail = "no";
    await runDurableObjectAlarm(logOf(org));
    expect(drained(org)).toEqual(inOrder(org, 13));
    expect(sink.arrivals.length).toBeGreaterThan(13);
  });

  it("waits longer after each failure, and appends do not hurry it", async () => {
    const org = newOrg();
    sink.fail = "before";
    await append(org, 1);
    passTime(1000);
    await runDurableObjectAlarm(logOf(org));
    const waits: number[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1) {
      await append(org, 1);
      const { dueMs, alarmMs } = await runInDurableObject(logOf(org), async (_instance, state) => ({
        dueMs: state.storage.sql.exec<{ due_ms: number }>("SELECT due_ms FROM drain").one().due_ms,
        alarmMs: await state.storage.getAlarm(),
      }));
      // The alarm may be for something sooner, such as a checkpoint, but never for later.
      expect(alarmMs).toBeLessThanOrEqual(dueMs);
      waits.push(dueMs - Date.now());
      passTime(waits.at(-1) ?? 0);
      await runDurableObjectAlarm(logOf(org));
    }
    waits.forEach((wait, index) => {
      const full = Math.min(5 * 60_000, 1000 * 2 ** index);
      expect(wait).toBeGreaterThanOrEqual(full / 2);
      expect(wait).toBeLessThanOrEqual(full);
    });
  });
});

describe("EdgeEvents", () => {
  const refusal = { gate: "geo", code: "geo_denied", country: "US", count: 1 };
  const report = async (org: OrgId | null, more: object = {}) => {
    await entrypoints.EdgeEvents.report([{ org, ...refusal, firstAtMs: Date.now(), lastAtMs: Date.now(), ...more }]);
  };
  const rowsWritten = (org: OrgId) =>
    runInDurableObject(logOf(org), (_instance, state) => {
      const query = "SELECT count(*) AS rows, coalesce(sum(count), 0) AS refusals FROM refusals";
      return state.storage.sql.exec<{ rows: number; refusals: number }>(query).one();
    });

  it("folds any number of refusals into one event a minute for each kind", async () => {
    const org = newOrg();
    for (let count = 0; count < 50; count += 1) await report(org);
    await report(org, { country: "CN", count: 7 });
    // Storage holds the first; the others gather in memory: refusing costs no write of its own.
    expect(await rowsWritten(org)).toEqual({ rows: 1, refusals: 1 });
    await runDurableObjectAlarm(logOf(org));
    expect(await entriesOf(org)).toEqual([]);
    passTime(60_000);
    await runDurableObjectAlarm(logOf(org));
    const events = (await entriesOf(org)).map((entry) => entry.event);
    expect(events).toMatchObject([
      { type: "edge_refusals", gate: "geo", code: "geo_denied", country: "CN", count: 7 },
      { type: "edge_refusals", gate: "geo", code: "geo_denied", country: "US", count: 50 },
    ]);
  });

  it("keeps a bounded number of buckets and counts the rest in one", async () => {
    const org = newOrg();
    const sums = Array.from({ length: 400 }, (_, index) => ({
      org,
      ...refusal,
      code: `code_${index}`,
      firstAtMs: Date.now(),
      lastAtMs: Date.now(),
    }));
    await entrypoints.EdgeEvents.report(sums);
    expect(await rowsWritten(org)).toEqual({ rows: 257, refusals: 400 });
  });

  it("refuses sums that our edge does not make, and reads an odd country as unknown", async () => {
    const org = newOrg();
    for (const wrong of [{ gate: "<b>" }, { count: 0 }, { count: 1e9 }, { firstAtMs: Number.NaN }, { code: "a\nb" }]) {
      await expect(report(org, wrong)).rejects.toThrow("not a sum");
    }
    await expect(report("org_1" as OrgId)).rejects.toThrow("not an organisation");
    await report(org, { country: "<script>" });
    passTime(60_000);
    await runDurableObjectAlarm(logOf(org));
    expect((await entriesOf(org))[0]?.event).toMatchObject({ country: "XX", count: 1 });
  });
});
