import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import type { AuditFields } from "../../../core/audit/events.ts";
import type { OrgId } from "../../../core/ids.ts";
import { makeId } from "../../../core/ids.ts";
import type { AuditFilter } from "../../../core/rpc/durable-objects.ts";
import { scannedMax } from "../../../durable-objects/audit-log/entry-search.ts";
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
const append = async (org: OrgId, events: readonly AuditFields[]) =>
  await entrypoints.AuditIntake.append(await jobCall(org, newRequest()), org, events);
async function readerOf(org: OrgId) {
  const reader = await userCall("durable-objects.audit-reader", org, newRequest());
  return async (filter: Partial<AuditFilter>) => {
    const { items, nextBeforeSeq } = await entrypoints.AuditReader.list(reader, { ...everything, ...filter });
    return [items.map((entry) => entry.seq), nextBeforeSeq];
  };
}

beforeAll(stopClock);

describe("AuditReader", () => {
  it("pages newest first through one's own organisation and filters", async () => {
    const [org, alice, bob] = [newOrg(), newUser(), newUser()];
    const call = await jobCall(org, newRequest());
    const startMs = Date.now();
    await entrypoints.AuditIntake.append(call, org, [login(alice), apiCall(bob, 200), login(bob)]);
    passTime(5000);
    const later = await jobCall(org, newRequest());
    const change = {
      type: "role_change",
      admin_id: alice,
      target_user_id: bob,
      old_role: null,
      new_role: "viewer",
    } as const;
    await entrypoints.AuditIntake.append(later, org, [change]);
    const reader = await userCall("durable-objects.audit-reader", org, newRequest(), alice);
    const seqs = async (filter: Partial<AuditFilter>) => {
      const { items, nextBeforeSeq } = await entrypoints.AuditReader.list(reader, { ...everything, ...filter });
      return [items.map((entry) => entry.seq), nextBeforeSeq];
    };
    expect(await seqs({})).toEqual([[4, 3, 2, 1], null]);
    expect(await seqs({ limit: 2 })).toEqual([[4, 3], 3]);
    expect(await seqs({ limit: 2, beforeSeq: 3 })).toEqual([[2, 1], null]);
    expect(await seqs({ type: "login" })).toEqual([[3, 1], null]);
    expect(await seqs({ actor: alice })).toEqual([[4, 1], null]);
    expect(await seqs({ actor: bob, type: "api_call" })).toEqual([[2], null]);
    expect(await seqs({ fromMs: startMs + 1 })).toEqual([[4], null]);
    expect(await seqs({ toMs: startMs })).toEqual([[3, 2, 1], null]);
    for (const wrong of [{ limit: 201 }, { limit: 0 }, { type: "x" }, { actor: "' OR 1=1" }, { beforeSeq: 1.5 }]) {
      await expect(seqs(wrong as Partial<AuditFilter>)).rejects.toThrow("not a filter");
    }
    const stranger = await userCall("durable-objects.audit-reader", newOrg(), newRequest(), alice);
    expect(await entrypoints.AuditReader.list(stranger, everything)).toEqual({ items: [], nextBeforeSeq: null });
  });

  it.each(["analyst", "viewer"] as const)("refuses a %s, should Studio ever forget to", async (role) => {
    const call = await userCall("durable-objects.audit-reader", newOrg(), newRequest(), undefined, role);
    await expect((async () => await entrypoints.AuditReader.list(call, everything))()).rejects.toThrow("not_granted");
  });
});

describe("AuditReader: what is searched for", () => {
  const newDevice = () => makeId("device", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  const newDocument = () => makeId("document", Date.now(), crypto.getRandomValues(new Uint8Array(10)));

  /** One of each, with the person who did it all. */
  async function busyOrg() {
    const [org, user, other] = [newOrg(), newUser(), newUser()];
    const [device, document] = [newDevice(), newDocument()];
    const command_id = makeId("command", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
    const denied = { ip: "2001:db8::7", country: "DE", endpoint: "/api/v1/me", method: "GET", code: "forbidden" };
    await append(org, [
      login(user, { ip: "198.51.100.9", method: "password", reason: null, country: "IN" }),
      login(other, { outcome: "failure", method: "password", reason: "wrong_password", country: "DE" }),
      { type: "access_denied", user_id: user, ...denied },
      { type: "device_command", user_id: user, device_id: device, command_id, command: "ping" },
      { type: "data_access", user_id: user, document_id: document, action: "read" },
      { type: "export", user_id: other, format: "csv", document_ids: [newDocument(), document], destination: "x" },
      { type: "role_change", admin_id: user, target_user_id: other, old_role: null, new_role: "viewer" },
      apiCall(user, 404),
      apiCall(other, 200),
    ]);
    return { org, user, other, device, document };
  }

  it("is found by target, document, address, country and outcome, alone and together", async () => {
    const { org, user, other, device, document } = await busyOrg();
    const seqs = await readerOf(org);
    const cases: [Partial<AuditFilter>, number[]][] = [
      [{ target: device }, [4]],
      [{ target: other }, [7]],
      [{ target: user }, []],
      [{ document }, [6, 5]],
      [{ document, actor: other }, [6]],
      [{ address: "198.51.100.9" }, [1]],
      [{ address: "2001:db8::7", outcome: "denied" }, [3]],
      [{ address: "2001:db8::7", outcome: "success" }, []],
      [{ country: "DE" }, [3, 2]],
      [{ country: "DE", type: "login" }, [2]],
      [{ country: "DE", type: "login", actor: user }, []],
      [{ outcome: "failure" }, [8, 2]],
      [{ outcome: "denied" }, [3]],
      [{ outcome: "success", type: "api_call" }, [9]],
      [{ outcome: "success", actor: user }, [7, 5, 4, 1]],
    ];
    for (const [filter, expected] of cases) expect([filter, await seqs(filter)]).toEqual([filter, [expected, null]]);
    for (const wrong of [
      { target: "org_1" },
      { document: device },
      { address: "' OR 1=1" },
      { country: "Germany" },
      { outcome: "maybe" },
    ]) {
      await expect(seqs(wrong as Partial<AuditFilter>)).rejects.toThrow("not a filter");
    }
  });

  it("pages by number whatever is asked for, without a gap or a repetition", async () => {
    const [org, user] = [newOrg(), newUser()];
    for (let call = 0; call < 4; call += 1) {
      await append(
        org,
        Array.from({ length: 30 }, (_, index) =>
          index % 3 === 0
            ? ({ ...apiCall(user, 200), status_code: 403, endpoint: `/x/${call}/${index}` } as AuditFields)
            : apiCall(user, 200),
        ),
      );
      passTime(1000);
    }
    const seqs = await readerOf(org);
    const found: number[] = [];
    for (let beforeSeq: number | null = null; ; ) {
      const [page, next] = (await seqs({ outcome: "denied", actor: user, limit: 7, beforeSeq })) as [number[], number];
      found.push(...page);
      if (next === null) break;
      beforeSeq = next;
    }
    expect(found).toEqual(Array.from({ length: 40 }, (_, index) => 118 - 3 * index));
  });

  it("finds a range of time by its numbers: its first and last millisecond are in it", async () => {
    const org = newOrg();
    const times: number[] = [];
    for (let minute = 0; minute < 9; minute += 1) {
      times.push(Date.now());
      await append(org, [login(null), login(null)]);
      passTime(60_000);
    }
    const seqs = await readerOf(org);
    expect(await seqs({ fromMs: times[3]!, toMs: times[4]! })).toEqual([[10, 9, 8, 7], null]);
    expect(await seqs({ fromMs: times[3]! + 1, toMs: times[4]! - 1 })).toEqual([[], null]);
    expect(await seqs({ fromMs: times[8]! + 1 })).toEqual([[], null]);
    expect(await seqs({ toMs: times[0]! - 1 })).toEqual([[], null]);
    expect(await seqs({ toMs: times[0]!, type: "login" })).toEqual([[2, 1], null]);
  });

  it("costs a page no more than it may, however rare what it looks for: the next goes on behind it", async () => {
    const [org, user] = [newOrg(), newUser()];
    await append(org, [apiCall(user, 403)]);
    // Rows as they are stored, straight: a log of so many takes longer to write than to search.
    await runInDurableObject(logOf(org), (_instance, state) => {
      const { sql } = state.storage;
      sql.exec(
        `WITH RECURSIVE n (seq) AS (SELECT 2 UNION ALL SELECT seq + 1 FROM n WHERE seq < ?)
         INSERT INTO entries SELECT n.seq, e.at_ms, e.request_id, e.phase, NULL, NULL, e.type, e.actor, e.target,
           e.event, e.personal, e.leaf, e.leaf_hash, 0 FROM n, entries e WHERE e.seq = 1`,
        scannedMax + 2,
      );
      sql.exec("INSERT INTO facets SELECT 'outcome', 'success', seq FROM entries WHERE seq > 1");
    });
    const seqs = await readerOf(org);
    const filter = { type: "api_call", actor: user, outcome: "denied" } as const;
    // By the person there are too many to look at in one page, and what is looked for is the last of them.
    const [first, next] = await seqs({ type: "login", actor: user });
    expect([first, next]).toEqual([[], 3]);
    expect(await seqs({ type: "login", actor: user, beforeSeq: 3 })).toEqual([[], null]);
    const [page, behind] = await seqs(filter);
    expect([page, behind]).toEqual([[], 3]);
    expect(await seqs({ ...filter, beforeSeq: behind as number })).toEqual([[1], null]);
  });

  it("is found in a log from before there was an index of it", async () => {
    const { org, device, document } = await busyOrg();
    await runInDurableObject(logOf(org), (_instance, state) => {
      state.storage.sql.exec("DROP TABLE facets");
      state.storage.sql.exec("UPDATE entries SET target = NULL WHERE seq = 4");
    });
    await evictDurableObject(logOf(org));
    const seqs = await readerOf(org);
    expect(await seqs({ document })).toEqual([[6, 5], null]);
    expect(await seqs({ target: device })).toEqual([[4], null]);
    expect(await seqs({ country: "DE" })).toEqual([[3, 2], null]);
  });

  it("forgets the address of a person who was erased, and nobody else's", async () => {
    const { org, user } = await busyOrg();
    await append(org, [login(newUser(), { ip: "198.51.100.9" })]);
    await logOf(org).erasePerson(org, newRequest(), null, user);
    const seqs = await readerOf(org);
    expect(await seqs({ address: "198.51.100.9" })).toEqual([[10], null]);
    expect(await seqs({ address: "2001:db8::7" })).toEqual([[], null]);
    const left = await runInDurableObject(logOf(org), (_instance, state) =>
      JSON.stringify(state.storage.sql.exec("SELECT * FROM facets").toArray()),
    );
    expect(left).not.toContain("2001:db8::7");
  });
});
