import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../../core/audit/events.ts";
import { leafHash } from "../../../core/audit/leaf.ts";
import type { LogName } from "../../../core/audit/logs.ts";
import { parseTilePath, type TilePath } from "../../../core/audit/tile-path.ts";
import { isConsistent, rootOfInclusion, tileWidth } from "../../../core/audit/tree.ts";
import type { OrgId, UserId } from "../../../core/ids.ts";
import type { AuditFilter } from "../../../core/rpc/durable-objects.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
import { tileName } from "../../../durable-objects/audit-log/copy-bucket.ts";
import {
  type Elsewhere,
  Forgetting,
  forgottenPerTurnMax,
  keptEntriesMax,
} from "../../../durable-objects/audit-log/forgetting.ts";
import { sha256 } from "../../../durable-objects/sha256.ts";
import { resetSink, sink } from "./fake-sink.ts";
import { apiCall, entrypoints, login, newOrg, newRequest, newUser, objects, stopClock } from "./harness.ts";
import { append, change, logOf, readerCall, verified, wait } from "./log-kit.ts";

const path = (text: string): TilePath => parseTilePath(text) as TilePath;
const anything: AuditFilter = { type: null, actor: null, fromMs: null, toMs: null, beforeSeq: null, limit: 100 };

/** Lets everything become drained, signed, copied and counted. */
async function settle(log: LogName): Promise<void> {
  await wait(log, 1000);
  await wait(log);
  await wait(log, 1000);
}

/** As the alarm does it, of an object that keeps fewer. */
async function forget(log: LogName, kept: number, over: Partial<Elsewhere> = {}) {
  await runInDurableObject(logOf(log), (_: AuditLog, { storage }) => {
    const of = (query: string) => storage.sql.exec<{ n: number }>(query).one().n;
    const drainedSeq = of("SELECT drained_seq AS n FROM drain");
    const copiedEntries = of("SELECT entries AS n FROM copied");
    const elsewhere = { drainedSeq, copiedEntries, isTidy: true, ...over };
    new Forgetting(storage.sql, kept).forgetSome(log, elsewhere, Date.now());
  });
  await evictDurableObject(logOf(log));
}

const seqsHere = (log: LogName): Promise<number[]> =>
  runInDurableObject(logOf(log), (_: AuditLog, { storage }) =>
    [...storage.sql.exec<{ seq: number }>("SELECT seq FROM entries ORDER BY seq")].map(({ seq }) => seq),
  );
const rowsAbout = (log: LogName, table: "facets" | "addresses", until: number): Promise<number> =>
  runInDurableObject(
    logOf(log),
    (_: AuditLog, { storage }) =>
      storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table} WHERE seq <= ?`, until).one().n,
  );

/** Every entry that a filter finds, page by page, as the list's reader goes on. */
async function all(org: OrgId, filter: Partial<AuditFilter>, limit: number): Promise<AuditEntry[]> {
  const found: AuditEntry[] = [];
  for (let beforeSeq: number | null = null; ; ) {
    const page = await entrypoints.AuditReader.list(await readerCall(org), {
      ...anything,
      ...filter,
      beforeSeq,
      limit,
    });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    found.push(...page.items);
    if (page.nextBeforeSeq === null) return found;
    if (beforeSeq !== null) expect(page.nextBeforeSeq).toBeLessThan(beforeSeq);
    beforeSeq = page.nextBeforeSeq;
  }
}

beforeAll(stopClock);
beforeEach(resetSink);

describe("AuditLog: entries that are too many for its object", () => {
  /** A log of two tiles and some more, by a few people. */
  async function written(): Promise<{ org: OrgId; user: UserId; other: UserId }> {
    const [org, user, other] = [newOrg(), newUser(), newUser()];
    await runInDurableObject(logOf(org), async (log: AuditLog) => {
      for (let round = 0; round < 65; round += 1) {
        await log.append(org, newRequest(), [
          login(user, { ip: `198.51.100.${round % 3}` }),
          login(null, { ip: "203.0.113.9" }),
          apiCall(other, round % 2 === 0 ? 200 : 204),
          { type: "role_change", admin_id: user, target_user_id: other, old_role: null, new_role: "viewer" },
          { type: "role_change", admin_id: other, target_user_id: user, old_role: "viewer", new_role: null },
          login(other),
          apiCall(user, 201),
          apiCall(null, 200),
        ]);
      }
    });
    await settle(org);
    return { org, user, other };
  }

  it("are listed and filtered on over the border as if they were all here, whatever a page holds", async () => {
    const { org, user, other } = await written();
    const { items } = await entrypoints.AuditReader.list(await readerCall(org), { ...anything, limit: 100 });
    const middle = Date.parse(items.at(-1)?.at ?? "");
    const filters: Partial<AuditFilter>[] = [
      {},
      { type: "login" },
      { actor: user },
      { target: other },
      { address: "198.51.100.1" },
      { address: "203.0.113.9" },
      { outcome: "success" },
      { outcome: "failure" },
      { actor: other, type: "api_call", outcome: "success" },
      { fromMs: middle },
      { toMs: middle },
      { toMs: middle - 24 * 3600_000 },
    ];
    const before = await Promise.all(filters.map((filter) => all(org, filter, 100)));
    await forget(org, 1);
    const here = await seqsHere(org);
    expect(here[0]).toBe(2 * tileWidth + 1);
    for (const [index, filter] of filters.entries()) {
      for (const limit of [33, 100])
        expect(await all(org, filter, limit), JSON.stringify(filter)).toEqual(before[index]);
    }
    // Exactly at the border, where a page ends with the last that is here.
    const limit = here.length;
    expect(await all(org, {}, limit)).toEqual(before[0]);
  });

  it("are proven as before, from the bucket, and from Postgres where that has them no more", async () => {
    const { org } = await written();
    const head = await verified(org);
    const call = () => readerCall(org);
    const seqs = [1, tileWidth, tileWidth + 1, 2 * tileWidth];
    const tiles = ["0/000", "0/001", "entries/000", "entries/001", "entries/001.p/9", "0/001.p/9"].map(path);
    const shown = async () => ({
      proofs: await Promise.all(seqs.map(async (seq) => entrypoints.AuditProofs.inclusion(await call(), seq, null))),
      tiles: await Promise.all(tiles.map(async (tile) => entrypoints.AuditProofs.tile(await call(), tile))),
      steps: await Promise.all(
        [1, 100, tileWidth, 300].map(async (from) => entrypoints.AuditProofs.consistency(await call(), from, null)),
      ),
    });
    const before = await shown();
    for (const proof of before.proofs) {
      if (proof === null) throw new Error("no proof");
      const leaf = new Uint8Array(Buffer.from(leafHash(proof.leafJson, sha256), "hex"));
      const root = rootOfInclusion(leaf, proof.seq - 1, proof.size, proof.proof, sha256);
      expect(new Uint8Array(root ?? [])).toEqual(head.root);
    }
    await forget(org, 1);
    expect(await shown()).toEqual(before);
    for (const index of ["entries/000", "entries/001"]) await objects.AUDIT_COPY.delete(tileName(org, path(index)));
    expect(await shown()).toEqual(before);
    sink.rows.clear();
    expect(await entrypoints.AuditProofs.inclusion(await call(), 1, null)).toBeNull();
    expect(await entrypoints.AuditProofs.tile(await call(), path("entries/000"))).toBeNull();
  });

  it("don't hold up what comes: the log grows, and its next checkpoint goes on from the one before", async () => {
    const { org } = await written();
    const old = await verified(org);
    await forget(org, 1);
    await append(org, 2 * tileWidth);
    await settle(org);
    const next = await verified(org);
    expect(next.size).toBeGreaterThan(old.size);
    const step = await entrypoints.AuditProofs.consistency(await readerCall(org), old.size, next.size);
    expect(isConsistent(old, next, [...(step?.proof ?? [])], sha256)).toBe(true);
    await forget(org, 1);
    expect(await all(org, {}, 100)).toHaveLength(next.size);
  });

  it("leave nothing in the object but their hashes", async () => {
    const { org } = await written();
    expect(await rowsAbout(org, "facets", 2 * tileWidth)).toBeGreaterThan(0);
    expect(await rowsAbout(org, "addresses", 2 * tileWidth)).toBeGreaterThan(0);
    await forget(org, 1);
    expect(await rowsAbout(org, "facets", 2 * tileWidth)).toBe(0);
    expect(await rowsAbout(org, "addresses", 2 * tileWidth)).toBe(0);
  });

  it("name nobody who was erased, before or after they left", async () => {
    const { org, user, other } = await written();
    const erase = (who: UserId) =>
      runInDurableObject(logOf(org), (log: AuditLog) => log.erasePerson(org, newRequest(), null, who));
    await erase(other);
    await settle(org);
    await forget(org, 1);
    await erase(user);
    const entries = await all(org, {}, 100);
    for (const name of [user, other, "198.51.100."]) expect(JSON.stringify(entries)).not.toContain(name);
    expect(await all(org, { actor: user }, 100)).toEqual([]);
    expect(await all(org, { address: "198.51.100.1" }, 100)).toEqual([]);
  });

  it("are an error and no entry when Postgres holds another than was signed, or does not answer", async () => {
    const { org } = await written();
    await forget(org, 1);
    const kept = sink.rows.get(`${org} 5`);
    if (kept === undefined) throw new Error("no such row");
    sink.rows.set(`${org} 5`, { ...kept, leafJson: kept.leafJson.replace("viewer", "owner") });
    await expect(all(org, {}, 100)).rejects.toThrow(/not what was signed/);
    sink.rows.set(`${org} 5`, kept);
    sink.olderFails = true;
    await expect(all(org, {}, 100)).rejects.toThrow();
    sink.olderFails = false;
    // A bundle that somebody exchanged is none: Postgres still has what was signed.
    const name = tileName(org, path("entries/000"));
    await objects.AUDIT_COPY.put(name, "exchanged");
    const proof = await entrypoints.AuditProofs.inclusion(await readerCall(org), 5, null);
    expect(proof?.leafJson).toBe(kept.leafJson);
  });
});

describe("AuditLog: what is not forgotten", () => {
  const full = 3 * tileWidth;
  async function settled(): Promise<OrgId> {
    const org = newOrg();
    await append(org, full);
    await settle(org);
    return org;
  }

  it.each([
    ["the newest, as many as are kept", tileWidth + 1, {}, 1],
    ["what is not in Postgres", 0, { drainedSeq: tileWidth - 1 }, 0],
    ["what is not in the bucket", 0, { copiedEntries: tileWidth }, 1],
    ["what names somebody in clear", 0, { isTidy: false }, 0],
  ])("is %s", async (_, kept, over, tiles) => {
    const org = await settled();
    await forget(org, kept, over);
    expect((await seqsHere(org))[0]).toBe(tiles * tileWidth + 1);
  });

  it("is what no checkpoint covers, for that is not in the bucket", async () => {
    const org = newOrg();
    await append(org, tileWidth);
    await wait(org, 1000);
    await change(org, "INSERT INTO copied (id, entries, checkpoint) VALUES (1, 0, 0)");
    await forget(org, 0);
    expect((await seqsHere(org))[0]).toBe(1);
  });

  it("is an intent that is open, nor anything behind it", async () => {
    const org = newOrg();
    const request = newRequest();
    const event = apiCall(null, null);
    const { seq } = await runInDurableObject(logOf(org), (log: AuditLog) => log.intent(org, request, event));
    await append(org, full);
    sink.lookupsFail = true;
    await settle(org);
    await forget(org, 0);
    expect((await seqsHere(org))[0]).toBe(1);
    await runInDurableObject(logOf(org), (log: AuditLog) => log.outcome(org, request, seq, apiCall(null, 204), []));
    await settle(org);
    await forget(org, 0);
    expect((await seqsHere(org))[0]).toBeGreaterThan(tileWidth);
  });

  it("is what is within the bound: the log's own clock takes a bounded share beyond it, and the rest in later turns", async () => {
    const org = newOrg();
    const tiles = forgottenPerTurnMax + 2;
    await append(org, tiles * tileWidth + 1);
    for (let turn = 0; turn < 14; turn += 1) await wait(org, 1000);
    await settle(org);
    expect(await seqsHere(org)).toHaveLength(tiles * tileWidth + 1);
    // As if a million had followed.
    await change(
      org,
      "UPDATE entries SET seq = ? WHERE seq = ?",
      keptEntriesMax + tiles * tileWidth,
      tiles * tileWidth + 1,
    );
    await wait(org, 1000);
    expect((await seqsHere(org))[0]).toBe(forgottenPerTurnMax * tileWidth + 1);
    await wait(org, 1000);
    expect(await seqsHere(org)).toEqual([keptEntriesMax + tiles * tileWidth]);
  });
});
