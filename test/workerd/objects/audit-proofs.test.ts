import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { verifyCheckpoint } from "../../../core/audit/checkpoint.ts";
import { GrowingTree } from "../../../core/audit/growing-tree.ts";
import { hex, leafHash } from "../../../core/audit/leaf.ts";
import { type LogName, orgOfLog } from "../../../core/audit/logs.ts";
import { parseNote, type SignedNote } from "../../../core/audit/signed-note.ts";
import { parseTilePath, type TilePath } from "../../../core/audit/tile-path.ts";
import { isConsistent, rootOfInclusion } from "../../../core/audit/tree.ts";
import type { OrgId } from "../../../core/ids.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
import { checkpointEntries } from "../../../durable-objects/audit-log/published-log.ts";
import type { KeyRing } from "../../../durable-objects/key-ring/key-ring.ts";
import { keyRingName } from "../../../durable-objects/mesh.ts";
import { sha256 } from "../../../durable-objects/sha256.ts";
import { resetSink, sink } from "./fake-sink.ts";
import { callerOf, entrypoints, newOrg, newRequest, objects, passTime, stopClock, userCall } from "./harness.ts";
import { append, change, logOf, readerCall, verified, wait } from "./log-kit.ts";

const ring = (): DurableObjectStub<KeyRing> =>
  objects.KEY_RING.getByName(keyRingName) as unknown as DurableObjectStub<KeyRing>;

/** Leaf hashes of the whole log, recomputed from the leaves' texts. */
async function leavesOf(log: LogName): Promise<Uint8Array[]> {
  const leaves = await runInDurableObject(logOf(log), (_: AuditLog, state) => [
    ...state.storage.sql.exec<{ leaf: string }>("SELECT leaf FROM entries ORDER BY seq"),
  ]);
  return leaves.map(({ leaf }) => Buffer.from(leafHash(leaf, sha256), "hex"));
}

async function rootAt(log: LogName, size: number): Promise<string> {
  const tree = new GrowingTree(sha256);
  for (const leaf of (await leavesOf(log)).slice(0, size)) tree.add(leaf);
  return hex(tree.root());
}

beforeAll(stopClock);
beforeEach(resetSink);

describe("AuditLog: checkpoints", () => {
  it("are made within a minute of an entry, over everything there is, and a log at rest makes none", async () => {
    const org = newOrg();
    expect(await entrypoints.AuditProofs.checkpoint(await readerCall(org))).toBeNull();
    await append(org, 3);
    await wait(org, 10_000);
    expect(await entrypoints.AuditProofs.checkpoint(await readerCall(org))).toBeNull();
    await wait(org, 50_000);
    const first = await verified(org);
    expect({ size: first.size, root: hex(first.root), pending: first.view.pending }).toEqual({
      size: 3,
      root: await rootAt(org, 3),
      pending: 0,
    });
    expect(first.origin).toBe(`sentinel/sentinel.test/${org}`);
    await wait(org, 3600_000);
    expect((await verified(org)).view.signedMs).toBe(first.view.signedMs);
    await append(org, 1);
    const waiting = await verified(org);
    expect({ size: waiting.size, pending: waiting.view.pending }).toEqual({ size: 3, pending: 1 });
    await wait(org);
    expect((await verified(org)).size).toBe(4);
  });

  it("are made at every thousand entries, however fast they come", async () => {
    const org = newOrg();
    await append(org, 2 * checkpointEntries + 1);
    await wait(org, 0);
    const sizes = await runInDurableObject(logOf(org), (_: AuditLog, state) =>
      [...state.storage.sql.exec<{ size: number }>("SELECT size FROM checkpoints ORDER BY size")].map(
        ({ size }) => size,
      ),
    );
    expect(sizes).toEqual([checkpointEntries, 2 * checkpointEntries]);
    await wait(org);
    expect((await verified(org)).size).toBe(2 * checkpointEntries + 1);
  });

  it("are made while Postgres is down, and for logs of no organisation too", async () => {
    sink.fail = "before";
    await append("platform-2", 5);
    await wait("platform-2");
    const view = await runInDurableObject(logOf("platform-2"), (instance: AuditLog) => instance.checkpoint());
    expect(view).toMatchObject({ size: 5, origin: "sentinel/sentinel.test/platform-2" });
  });

  it("survive an eviction at any point, with the tree that the entries give", async () => {
    const org = newOrg();
    for (const count of [200, 55, 1, 1, 300, 211]) {
      await append(org, count);
      await evictDurableObject(logOf(org));
      await wait(org);
      await evictDurableObject(logOf(org));
      const head = await verified(org);
      expect(hex(head.root)).toBe(await rootAt(org, head.size));
    }
    expect((await verified(org)).size).toBe(768);
    // Hashes of full tiles that were lost or never written are made again from the entries.
    await change(org, "DELETE FROM tile_roots WHERE idx > 0");
    await append(org, 1);
    await wait(org);
    expect(hex((await verified(org)).root)).toBe(await rootAt(org, 769));
  });

  it("go on after a signature whose answer was lost, and after one that was made but not kept", async () => {
    const org = newOrg();
    await append(org, 10);
    await wait(org);
    const known = await verified(org);
    await append(org, 5);
    await wait(org);
    // As after a crash between the signature and its row: KeyRing knows 15, the log believes 10.
    await change(org, "DELETE FROM checkpoints WHERE size = 15");
    await evictDurableObject(logOf(org));
    await append(org, 5);
    await wait(org);
    const later = await verified(org);
    expect(later.size).toBe(20);
    await change(org, "DELETE FROM checkpoints WHERE size = 20");
    await runInDurableObject(logOf(org), (instance: AuditLog) => instance.alarm());
    expect((await verified(org)).view.note).toBe(later.view.note);
    const proof = await entrypoints.AuditProofs.consistency(await readerCall(org), 10, 20);
    expect(isConsistent(known, later, proof?.proof ?? [], sha256)).toBe(true);
  });
});

describe("AuditLog: a log that did not only grow gets no signature", () => {
  async function signedLog(entries: number): Promise<OrgId> {
    const org = newOrg();
    await append(org, entries);
    await wait(org);
    expect((await verified(org)).size).toBe(entries);
    return org;
  }

  it("when it was rolled back", async () => {
    const org = await signedLog(300);
    await change(org, "DELETE FROM entries WHERE seq > 290");
    await change(org, "DELETE FROM checkpoints");
    await change(org, "DELETE FROM tile_roots");
    await append(org, 5);
    await wait(org);
    await wait(org, 3600_000);
    expect(await entrypoints.AuditProofs.checkpoint(await readerCall(org))).toBeNull();
  });

  it("when it was rolled back and has grown past the old size with other entries", async () => {
    const org = await signedLog(300);
    await change(org, "DELETE FROM entries WHERE seq > 290");
    await change(org, "DELETE FROM checkpoints");
    await change(org, "DELETE FROM tile_roots");
    await append(org, 50);
    await wait(org);
    await wait(org, 3600_000);
    expect(await entrypoints.AuditProofs.checkpoint(await readerCall(org))).toBeNull();
  });

  it("when an entry under a checkpoint was changed, and the one after it keeps waiting in sight", async () => {
    const org = await signedLog(20);
    await change(org, "UPDATE entries SET leaf_hash = ? WHERE seq = 7", "00".repeat(32));
    await append(org, 1);
    await wait(org);
    const { size, view } = await verified(org);
    expect({ size, pending: view.pending, since: view.pendingSinceMs !== null }).toEqual({
      size: 20,
      pending: 1,
      since: true,
    });
  });
});

describe("KeyRing: the key of checkpoints", () => {
  it("lives on through the monthly rotation, and a retired one still verifies what it signed", async () => {
    const org = newOrg();
    await append(org, 2);
    await wait(org);
    const before = await verified(org);
    await runInDurableObject(ring(), (instance: KeyRing) => instance.rotate("mesh"));
    passTime(40 * 24 * 3600_000);
    await runDurableObjectAlarm(ring());
    expect((await verified(org)).view.keys).toEqual(before.view.keys);
    const operator = callerOf("studio");
    const call = await operator.asJob("durable-objects.key-rotation", "rotate_keys", null, newRequest());
    const rotated = await entrypoints.KeyRotation.rotate(call, "audit_log");
    expect(rotated.revoked).toHaveLength(1);
    expect(rotated.revoked).not.toContain(rotated.kid);
    await append(org, 2);
    await wait(org);
    const after = await verified(org);
    expect(after.view.keys).toHaveLength(before.view.keys.length + 1);
    expect(after.view.keys.slice(1)).toEqual(before.view.keys);
    expect(await verifyCheckpoint(parseNote(before.view.note) as SignedNote, after.keys, sha256)).toMatchObject({
      size: 2,
    });
    // The new one signed the new head; the old one can't any more.
    expect(await verifyCheckpoint(parseNote(after.view.note) as SignedNote, after.keys.slice(1), sha256)).toBeNull();
    const sealed = await runInDurableObject(ring(), (_: KeyRing, state) =>
      [...state.storage.sql.exec("SELECT sealed_private FROM log_keys WHERE retired_ms IS NOT NULL")].map(
        (row) => row["sealed_private"],
      ),
    );
    expect(sealed).toEqual(before.view.keys.map(() => null));
  });

  it("is never stored but sealed", async () => {
    const org = newOrg();
    await append(org, 1);
    await wait(org);
    const rows = await runInDurableObject(ring(), (_: KeyRing, state) => [
      ...state.storage.sql.exec<{ sealed_private: string | null }>("SELECT sealed_private FROM log_keys"),
    ]);
    // PKCS #8 of Ed25519 begins with these bytes, in either spelling of base64 or in hex.
    for (const { sealed_private } of rows) expect(sealed_private ?? "").not.toMatch(/MC4CAQAwBQYDK2Vw|302e0201003005/);
    expect(rows.some(({ sealed_private }) => sealed_private !== null)).toBe(true);
  });
});

describe("AuditProofs", () => {
  it("proves every entry under the newest checkpoint, and none beyond it", async () => {
    const org = newOrg();
    await append(org, 260);
    await wait(org);
    await append(org, 4);
    const head = await verified(org);
    const call = await readerCall(org);
    for (const seq of [1, 2, 128, 255, 256, 257, 260]) {
      const view = await entrypoints.AuditProofs.inclusion(call, seq, null);
      if (view === null) throw new Error("no proof");
      const leaf = Buffer.from(leafHash(view.leafJson, sha256), "hex");
      const root = rootOfInclusion(leaf, seq - 1, view.size, view.proof, sha256);
      expect(hex(root ?? new Uint8Array())).toBe(hex(head.root));
      expect((JSON.parse(view.leafJson) as { seq: number }).seq).toBe(seq);
      expect(view.note).toBe(head.view.note);
    }
    expect(await entrypoints.AuditProofs.inclusion(call, 261, null)).toBeNull();
    expect(await entrypoints.AuditProofs.inclusion(call, 5, 264)).toBeNull();
    expect(await entrypoints.AuditProofs.inclusion(call, 6, 5)).toBeNull();
    const earlier = await entrypoints.AuditProofs.inclusion(call, 5, 100);
    expect(hex(earlier?.root ?? new Uint8Array())).toBe(await rootAt(org, 100));
    expect(await entrypoints.AuditProofs.consistency(call, 100, 264)).toBeNull();
    expect(await entrypoints.AuditProofs.consistency(call, 101, 100)).toBeNull();
  });

  it("serves the tiles and entries that a public tool rebuilds the tree from", async () => {
    const org = newOrg();
    await append(org, 600);
    await wait(org);
    await append(org, 10);
    const call = await readerCall(org);
    const tile = async (path: string) => await entrypoints.AuditProofs.tile(call, parseTilePath(path) as TilePath);
    const leaves = await leavesOf(org);
    const joined = (from: number, to: number): string => leaves.slice(from, to).map(hex).join("");
    expect(hex((await tile("0/001")) ?? new Uint8Array())).toBe(joined(256, 512));
    expect(hex((await tile("0/002.p/88")) ?? new Uint8Array())).toBe(joined(512, 600));
    expect((await tile("1/000.p/2"))?.length).toBe(64);
    // Nothing beyond the checkpoint, though the entries are there.
    for (const path of ["0/002.p/89", "0/002", "0/003.p/1", "1/000.p/3", "2/000.p/1", "entries/002.p/89"])
      expect(await tile(path), path).toBeNull();
    const bundle = Buffer.from((await tile("entries/002.p/88")) ?? new Uint8Array());
    const found: string[] = [];
    for (let at = 0; at < bundle.length; ) {
      const length = bundle.readUInt16BE(at);
      found.push(leafHash(bundle.toString("utf8", at + 2, at + 2 + length), sha256));
      at += 2 + length;
    }
    expect(found.join("")).toBe(joined(512, 600));
    await expect(
      (async () => await entrypoints.AuditProofs.tile(call, { level: 0, index: 1.5, width: 1 }))(),
    ).rejects.toThrow("tile's name");
    await expect(
      (async () => await entrypoints.AuditProofs.tile(call, { level: 0, index: 0, width: 0 }))(),
    ).rejects.toThrow("tile's name");
  });

  it("answers only those who may read the log, and only about their own", async () => {
    const [org, other] = [newOrg(), newOrg()];
    await append(org, 3);
    await wait(org);
    for (const role of ["owner", "admin", "readonly"] as const)
      expect(await entrypoints.AuditProofs.checkpoint(await readerCall(org, role))).toMatchObject({ size: 3 });
    for (const role of ["analyst", "viewer"] as const) {
      const call = await readerCall(org, role);
      const tile: TilePath = { level: 0, index: 0, width: 3 };
      await expect((async () => await entrypoints.AuditProofs.checkpoint(call))()).rejects.toThrow("not_granted");
      await expect((async () => await entrypoints.AuditProofs.inclusion(call, 1, null))()).rejects.toThrow(
        "not_granted",
      );
      await expect((async () => await entrypoints.AuditProofs.consistency(call, 1, 2))()).rejects.toThrow(
        "not_granted",
      );
      await expect((async () => await entrypoints.AuditProofs.tile(call, tile))()).rejects.toThrow("not_granted");
    }
    // Another organisation's person gets their own log's answers, which has none.
    expect(orgOfLog(other)).toBe(other);
    expect(await entrypoints.AuditProofs.checkpoint(await readerCall(other))).toBeNull();
    expect(await entrypoints.AuditProofs.inclusion(await readerCall(other), 1, null)).toBeNull();
    const intake = await userCall("durable-objects.audit-intake", org, newRequest());
    await expect((async () => await entrypoints.AuditProofs.checkpoint(intake))()).rejects.toThrow("call refused");
  });
});
