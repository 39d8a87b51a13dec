/** Personal fields of an audit log's entries: sealed for whose they are, and unreadable once that key is destroyed. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type AuditEntry, type AuditFields, personalFields } from "../../../core/audit/events.ts";
import { actorOf, addressOf, targetOf } from "../../../core/audit/facets.ts";
import { leafHash } from "../../../core/audit/leaf.ts";
import { type LogName, platformLogs } from "../../../core/audit/logs.ts";
import type { OrgId, UserId } from "../../../core/ids.ts";
import type { Job } from "../../../core/mesh/workloads.ts";
import type { AuditFilter } from "../../../core/rpc/durable-objects.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
import { sealedPerTurnMax } from "../../../durable-objects/audit-log/entry-sealing.ts";
import { intentOpenMsMax } from "../../../durable-objects/audit-log/open-intents.ts";
import { strangerBuckets, strangerMonths } from "../../../durable-objects/audit-log/subject-keys.ts";
import { sha256 } from "../../../durable-objects/sha256.ts";
import { resetSink, sink } from "./fake-sink.ts";
import {
  apiCall,
  callerOf,
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
import { change, logOf, verified, wait } from "./log-kit.ts";

beforeAll(stopClock);
beforeEach(resetSink);

const everything: AuditFilter = { type: null, actor: null, fromMs: null, toMs: null, beforeSeq: null, limit: 200 };
const listOf = async (log: LogName, filter: Partial<AuditFilter> = {}): Promise<AuditEntry[]> => {
  const asked = { ...everything, ...filter };
  return (await runInDurableObject(logOf(log), (instance: AuditLog) => instance.list(log, asked))).items.reverse();
};
const seqsOf = async (log: LogName, filter: Partial<AuditFilter>): Promise<number[]> =>
  (await listOf(log, filter)).map(({ seq }) => seq);
const append = async (org: OrgId, ...events: AuditFields[]) =>
  await entrypoints.AuditIntake.append(await jobCall(org, newRequest()), org, events);
const erase = (org: OrgId, user: UserId, by: UserId | null = null) =>
  logOf(org).erasePerson(org, newRequest(), by, user);

/** Everything that lies in a log's storage and in what it has sent to Postgres, as text; keys and tags in base64. */
async function everythingKept(org: OrgId): Promise<string> {
  const tables = await runInDurableObject(logOf(org), (_: AuditLog, { storage: { sql } }) => {
    const names = sql.exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    );
    return [...names].map(({ name }) => [
      name,
      sql
        .exec(`SELECT * FROM "${name}"`)
        .toArray()
        .map((row) =>
          Object.values(row).map((value) =>
            value instanceof ArrayBuffer ? Buffer.from(value).toString("base64") : value,
          ),
        ),
    ]);
  });
  return JSON.stringify([tables, [...sink.rows].filter(([key]) => key.startsWith(org))]);
}

const change_ = (admin: UserId, target: UserId): AuditFields => ({
  type: "role_change",
  admin_id: admin,
  target_user_id: target,
  old_role: null,
  new_role: "viewer",
});

describe("whom a log names", () => {
  it("lies nowhere in clear, in its object or in what it sends to Postgres, and is read all the same", async () => {
    const [org, user, admin] = [newOrg(), newUser(), newUser()];
    const failed = { outcome: "failure", ip: "198.51.100.9" } as const;
    await append(org, login(user, { ip: "198.51.100.7", user_agent: "Netscape" }), change_(admin, user));
    await append(org, login(null, failed), login(null, failed), login(user, failed), login(user, failed));
    await wait(org, 1000);
    const kept = await everythingKept(org);
    expect(sink.rows.has(`${org} 4`)).toBe(true);
    for (const trace of [user, admin, "198.51.100", "Netscape"]) expect(kept).not.toContain(trace);
    await evictDurableObject(logOf(org));
    const [first, second, third] = await listOf(org);
    expect(first?.event).toMatchObject({ user_id: user, ip: "198.51.100.7", user_agent: "Netscape" });
    expect(second?.event).toMatchObject({ admin_id: admin, target_user_id: user });
    expect(third?.event).toMatchObject({ user_id: null, ip: "198.51.100.9" });
    expect(await seqsOf(org, { actor: user })).toEqual([1, 4]);
    expect(await seqsOf(org, { actor: admin })).toEqual([2]);
    expect(await seqsOf(org, { target: user })).toEqual([2]);
    expect(await seqsOf(org, { address: "198.51.100.9" })).toEqual([3, 4]);
    expect(await seqsOf(org, { actor: newUser() })).toEqual([]);
  });

  it("opens in its own entry alone: what was put into another makes that one unreadable and not another's", async () => {
    const [org, one, two] = [newOrg(), newUser(), newUser()];
    await append(org, login(one), login(two));
    await change(org, "UPDATE entries SET personal = (SELECT personal FROM entries WHERE seq = 1) WHERE seq = 2");
    await expect(listOf(org)).rejects.toThrow();
    expect((await listOf(org, { beforeSeq: 2 }))[0]?.event).toMatchObject({ user_id: one });
  });

  it("is sealed under no key of a transaction that failed", async () => {
    const [org, user] = [newOrg(), newUser()];
    await append(org, login(newUser()));
    await change(org, "ALTER TABLE watched RENAME TO away");
    await expect(append(org, login(user, { outcome: "failure" }))).rejects.toThrow("watched");
    await change(org, "ALTER TABLE away RENAME TO watched");
    await append(org, login(user));
    await evictDurableObject(logOf(org));
    expect((await listOf(org)).map(({ event }) => event)).toMatchObject([{}, { user_id: user }]);
  });
});

describe("an erased person", () => {
  it("is in no answer, by no filter, and every leaf and proof is as it was", async () => {
    const [org, gone, other] = [newOrg(), newUser(), newUser()];
    await append(org, login(gone, { ip: "198.51.100.9" }), login(other, { ip: "198.51.100.9" }), change_(other, gone));
    await append(org, apiCall(gone, 200));
    const before = await listOf(org);
    await wait(org);
    expect((await verified(org)).size).toBe(4);
    await erase(org, gone, other);
    // At once, and when everything was tidied up behind it.
    for (const turn of ["at once", "later"]) {
      const after = await listOf(org, { beforeSeq: 5 });
      expect(after[0]?.event, turn).toMatchObject({ user_id: null, ip: null, user_agent: null, outcome: "success" });
      expect(after[1], turn).toEqual(before[1]);
      expect(after[2]?.event, turn).toMatchObject({ admin_id: other, target_user_id: null });
      expect(after.map((entry) => entry.leaf_hash)).toEqual(before.map((entry) => entry.leaf_hash));
      expect(await seqsOf(org, { actor: gone })).toEqual([]);
      expect(await seqsOf(org, { target: gone })).toEqual([]);
      expect(await seqsOf(org, { address: "198.51.100.9" })).toEqual([2]);
      await evictDurableObject(logOf(org));
      for (let alarm = 0; alarm < 4; alarm += 1) await wait(org);
    }
    expect(await verified(org)).toMatchObject({ size: 5 });
    const stored = await runInDurableObject(logOf(org), (_: AuditLog, { storage }) =>
      storage.sql.exec<{ leaf: string; leaf_hash: string }>("SELECT leaf, leaf_hash FROM entries").toArray(),
    );
    for (const row of stored) expect(leafHash(row.leaf, sha256)).toBe(row.leaf_hash);
  });

  it("is opened by no key that is left, whatever somebody kept of what was sealed", async () => {
    const [org, gone, other] = [newOrg(), newUser(), newUser()];
    await append(org, login(gone), login(other));
    await wait(org, 1000);
    const copied = sink.rows.get(`${org} 1`)?.sealed ?? [];
    expect(copied).toHaveLength(1);
    await erase(org, gone);
    // As somebody who restores what Postgres kept, into the object that the keys are in.
    await change(
      org,
      "UPDATE entries SET personal = ? WHERE seq = 1",
      JSON.stringify(copied.map(({ subject, sealed }) => [subject, sealed])),
    );
    const keys = await runInDurableObject(logOf(org), (_: AuditLog, { storage }) =>
      storage.sql.exec<{ subject: number }>("SELECT subject FROM subjects").toArray(),
    );
    expect(keys.map(({ subject }) => subject)).not.toContain(copied[0]?.subject);
    await evictDurableObject(logOf(org));
    expect((await listOf(org))[0]?.event).toMatchObject({ user_id: null, ip: null, user_agent: null });
  });

  it("leaves an entry that says who erased somebody and not whom, and no number behind in any index", async () => {
    const [org, gone, admin] = [newOrg(), newUser(), newUser()];
    await append(org, login(gone), change_(admin, gone));
    await erase(org, gone, admin);
    expect((await listOf(org)).at(-1)?.event).toEqual({ type: "person_erased", admin_id: admin, target_user_id: null });
    const leaf = await runInDurableObject(
      logOf(org),
      (_: AuditLog, { storage }) =>
        storage.sql.exec<{ leaf: string }>("SELECT leaf FROM entries WHERE seq = 3").one().leaf,
    );
    expect(JSON.parse(leaf).event.target_user_id).toEqual({ sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    for (let alarm = 0; alarm < 4; alarm += 1) await wait(org, 1000);
    const left = await runInDurableObject(logOf(org), (_: AuditLog, { storage: { sql } }) => [
      sql.exec("SELECT actor, target FROM entries ORDER BY seq").toArray(),
      sql.exec("SELECT count(*) AS n FROM addresses").one()["n"],
      sql.exec("SELECT count(*) AS n FROM destroyed").one()["n"],
    ]);
    expect(left).toEqual([
      [
        { actor: null, target: null },
        { actor: "#2", target: null },
        { actor: "#2", target: null },
      ],
      0,
      0,
    ]);
  });

  it("who comes back is somebody new: what was sealed before stays shut", async () => {
    const [org, user] = [newOrg(), newUser()];
    await append(org, login(user));
    await erase(org, user);
    await append(org, login(user));
    await evictDurableObject(logOf(org));
    expect(await seqsOf(org, { actor: user })).toEqual([3]);
    expect((await listOf(org)).map(({ event }) => (event as { user_id?: string }).user_id)).toEqual([
      null,
      undefined,
      user,
    ]);
  });

  it("is erased by an owner of the same organisation, through the intake, and by nobody else", async () => {
    const [org, other, owner, gone] = [newOrg(), newOrg(), newUser(), newUser()];
    await append(org, login(gone));
    const eraseBy = async (where: OrgId, role: Role) =>
      await entrypoints.AuditIntake.erase(
        await userCall("durable-objects.audit-intake", where, newRequest(), owner, role),
        gone,
      );
    for (const role of ["admin", "analyst", "viewer", "readonly"] as const)
      await expect(eraseBy(org, role)).rejects.toThrow("not_granted");
    const eraseAsJob = async () => await entrypoints.AuditIntake.erase(await jobCall(org, newRequest()), gone);
    await expect(eraseAsJob()).rejects.toThrow("wrong_job");
    expect(await eraseBy(other, "owner")).toMatchObject({ known: false });
    expect(await seqsOf(org, { actor: gone })).toEqual([1]);
    expect(await eraseBy(org, "owner")).toMatchObject({ known: true });
    expect(await eraseBy(org, "owner")).toMatchObject({ known: false });
    // Who is not there leaves nothing, not even in the log of an organisation that has none.
    expect((await listOf(org)).map(({ event }) => event.type)).toEqual(["login", "person_erased"]);
    expect(await listOf(other)).toEqual([]);
  });

  it("is erased from every log of the platform on the operator's word, which each of them writes down", async () => {
    const [org, gone, other] = [newOrg(), newUser(), newUser()];
    await append(org, login(gone));
    for (const log of platformLogs)
      await runInDurableObject(logOf(log), (instance: AuditLog) =>
        instance.append(log, newRequest(), [login(gone), login(other)]),
      );
    const eraseAs = async (job: Job, of: OrgId | null) => {
      const call = await callerOf("studio").asJob("durable-objects.audit-intake", job, of, newRequest());
      return await entrypoints.AuditIntake.erase(call, gone);
    };
    await expect(eraseAs("anonymous_request", null)).rejects.toThrow("wrong_job");
    await expect(eraseAs("erase_subject", org)).rejects.toThrow("wrong_org");
    await eraseAs("erase_subject", null);
    for (const log of platformLogs) {
      expect(await seqsOf(log, { actor: gone }), log).toEqual([]);
      expect((await seqsOf(log, { actor: other })).length, log).toBe(1);
      const last = (await listOf(log)).at(-1);
      expect(last?.event).toEqual({ type: "person_erased", admin_id: null, target_user_id: null });
    }
    // An organisation's log is its owners'.
    expect(await seqsOf(org, { actor: gone })).toEqual([1]);
    const write = async () => {
      const call = await callerOf("studio").asJob("durable-objects.audit-intake", "erase_subject", null, newRequest());
      return await entrypoints.AuditIntake.append(call, null, [login(gone)]);
    };
    await expect(write()).rejects.toThrow("wrong_job");
  });

  it("is erased by the log alone: no caller can claim it", async () => {
    const [org, user] = [newOrg(), newUser()];
    const claimed = { type: "person_erased", admin_id: null, target_user_id: user } as const;
    await expect(append(org, claimed)).rejects.toThrow("not an audit event");
  });

  it("is known to be erased when whoever asked for it died: the intent's outcome says so, and Postgres is not asked", async () => {
    const [org, owner, gone] = [newOrg(), newUser(), newUser()];
    const [done, undone] = [newRequest(), newRequest()];
    await append(org, login(gone));
    for (const request of [done, undone]) {
      const call = await userCall("durable-objects.audit-intake", org, request, owner);
      await entrypoints.AuditIntake.intent(call, org, apiCall(owner, null));
    }
    await logOf(org).erasePerson(org, done, owner, gone);
    await evictDurableObject(logOf(org));
    await wait(org, intentOpenMsMax);
    const outcomes = (await listOf(org)).filter(({ phase }) => phase === "outcome");
    expect(outcomes.map(({ request_id, result }) => [request_id, result])).toEqual([
      [done, "reconciled_done"],
      [undone, "reconciled_not_done"],
    ]);
    expect(sink.lookups.map(({ requestId }) => requestId)).toEqual([undone]);
  });
});

describe("strangers", () => {
  it("share a bounded number of keys a month, and are unreadable when their months are over", async () => {
    const [org, user] = [newOrg(), newUser()];
    const attempts = Array.from({ length: 300 }, (_, index) =>
      login(null, { outcome: "failure", ip: `198.51.${100 + (index >> 8)}.${index & 255}` }),
    );
    for (let from = 0; from < attempts.length; from += 30) await append(org, ...attempts.slice(from, from + 30));
    await append(org, login(user, { ip: "198.51.100.1" }));
    const keys = () =>
      runInDurableObject(logOf(org), (_: AuditLog, { storage }) =>
        Number(storage.sql.exec("SELECT count(*) AS n FROM subjects").one()["n"]),
      );
    const were = await keys();
    expect(were).toBeGreaterThan(1);
    expect(were).toBeLessThanOrEqual(strangerBuckets + 1);
    expect(await seqsOf(org, { address: "198.51.100.1" })).toEqual([2, 301]);
    passTime((strangerMonths + 2) * 31 * 24 * 3600_000);
    await runDurableObjectAlarm(logOf(org));
    await evictDurableObject(logOf(org));
    expect(await keys()).toBe(1);
    expect(await seqsOf(org, { address: "198.51.100.1" })).toEqual([301]);
    expect((await listOf(org, { beforeSeq: 3 }))[1]?.event).toMatchObject({
      outcome: "failure",
      ip: null,
      user_agent: null,
    });
    expect((await listOf(org, { actor: user }))[0]?.event).toMatchObject({ ip: "198.51.100.1" });
  });
});

describe("a log from before its entries were sealed", () => {
  /** Puts a log into the state in which the version before left it: people in clear, in entries and in indexes. */
  async function asItWas(org: OrgId): Promise<void> {
    const shown: AuditEntry[] = [];
    for (let page = await listOf(org); page.length > 0; page = await listOf(org, { beforeSeq: page[0]?.seq ?? 0 }))
      shown.push(...page);
    await runInDurableObject(logOf(org), (_: AuditLog, { storage: { sql } }) => {
      for (const { seq, event } of shown) {
        const values = event as unknown as Readonly<Record<string, string | undefined>>;
        const own = personalFields.filter((field) => typeof values[field] === "string");
        const personal = own.map((field) => [field, { value: values[field], salt: "AAAAAAAAAAAAAAAAAAAAAA" }]);
        sql.exec(
          "UPDATE entries SET personal = ?, actor = ?, target = ? WHERE seq = ?",
          ...[JSON.stringify(Object.fromEntries(personal)), actorOf(event), targetOf(event), seq],
        );
        const address = addressOf(event);
        if (address !== null) sql.exec("INSERT INTO facets VALUES ('address', ?, ?)", address, seq);
      }
      for (const table of ["sealing", "subjects", "addresses", "index_key", "destroyed"])
        sql.exec(`DROP TABLE ${table}`);
    });
    await evictDurableObject(logOf(org));
  }

  const inClear = (org: OrgId) =>
    runInDurableObject(logOf(org), (_: AuditLog, { storage }) =>
      Number(storage.sql.exec("SELECT count(*) AS n FROM entries WHERE personal LIKE '{%'").one()["n"]),
    );

  async function longLog(user: UserId, admin: UserId): Promise<OrgId> {
    const org = newOrg();
    const many = Array.from({ length: 32 }, () => login(user, { ip: "198.51.100.9" }));
    await append(org, change_(admin, user), login(null, { ip: "198.51.100.8" }));
    for (let entries = 2; entries <= sealedPerTurnMax; entries += many.length) await append(org, ...many);
    await append(org, change_(admin, user), login(admin, { ip: "198.51.100.8" }));
    for (let alarm = 0; alarm < 2; alarm += 1) await wait(org);
    return org;
  }

  it("shows and finds the same before, meanwhile and afterwards, and is sent to Postgres again when it is sealed", async () => {
    const [user, admin] = [newUser(), newUser()];
    const org = await longLog(user, admin);
    const looks: Partial<AuditFilter>[] = [
      {},
      { beforeSeq: 100 },
      { actor: user },
      { actor: admin },
      { target: user },
      { address: "198.51.100.8" },
      { address: "198.51.100.9", type: "login", outcome: "success" },
      { actor: newUser() },
    ];
    const look = async () => {
      const found: AuditEntry[][] = [];
      for (const filter of looks) found.push(await listOf(org, filter));
      return found;
    };
    const before = await look();
    expect(before.map((page) => page.length)).toEqual([200, 99, 200, 3, 2, 2, 200, 0]);
    const sent = sink.arrivals.length;
    await asItWas(org);
    const all = await inClear(org);
    expect(all).toBeGreaterThan(sealedPerTurnMax);
    expect(await look()).toEqual(before);
    await wait(org, 1000);
    expect(await inClear(org)).toBe(all - sealedPerTurnMax);
    expect(await look()).toEqual(before);
    await evictDurableObject(logOf(org));
    for (let alarm = 0; alarm < 3; alarm += 1) await wait(org, 1000);
    expect(await inClear(org)).toBe(0);
    expect(await look()).toEqual(before);
    expect(sink.arrivals.slice(sent)).toEqual(Array.from({ length: all }, (_, index) => `${org} ${index + 1}`));
    sink.rows.clear();
    const kept = await everythingKept(org);
    for (const trace of [user, admin, "198.51.100"]) expect(kept).not.toContain(trace);
  });

  it("loses a person who is erased meanwhile from what is sealed and from what is not", async () => {
    const [user, admin] = [newUser(), newUser()];
    const org = await longLog(user, admin);
    await asItWas(org);
    await wait(org, 1000);
    expect(await inClear(org)).toBeGreaterThan(0);
    await erase(org, user);
    for (const turn of ["at once", "later"]) {
      expect(await seqsOf(org, { actor: user }), turn).toEqual([]);
      expect(await seqsOf(org, { target: user }), turn).toEqual([]);
      expect(await seqsOf(org, { address: "198.51.100.9" }), turn).toEqual([]);
      expect((await seqsOf(org, { actor: admin })).length, turn).toBe(3);
      const pages = JSON.stringify([await listOf(org), await listOf(org, { beforeSeq: 100 })]);
      for (const trace of [user, "198.51.100.9"]) expect(pages, turn).not.toContain(trace);
      for (let alarm = 0; alarm < 4; alarm += 1) await wait(org, 1000);
    }
    sink.rows.clear();
    expect(await everythingKept(org)).not.toContain(user);
  });
});
