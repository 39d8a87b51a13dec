import { evictDurableObject } from "cloudflare:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { LogName } from "../../../core/audit/logs.ts";
import { parseTilePath, type TilePath, tilesOfLevel } from "../../../core/audit/tile-path.ts";
import { tileWidth } from "../../../core/audit/tree.ts";
import { checkpointName, copyFolder, tileName } from "../../../durable-objects/audit-log/copy-bucket.ts";
import { checkpointCopyMs, tilesPerTurnMax } from "../../../durable-objects/audit-log/log-copy.ts";
import { checkpointEntries } from "../../../durable-objects/audit-log/published-log.ts";
import { readLogFolder } from "../../../scripts/cli/audit/log-folder.ts";
import { examine } from "../../../scripts/cli/audit/verify-shown.ts";
import { resetSink } from "./fake-sink.ts";
import { entrypoints, newOrg, objects, stopClock } from "./harness.ts";
import { append, change, logOf, readerCall, verified, wait } from "./log-kit.ts";

const bucket = objects.AUDIT_COPY;
const path = (text: string): TilePath => parseTilePath(text) as TilePath;

async function namesOf(log: LogName): Promise<string[]> {
  const prefix = copyFolder(log);
  const { objects: found } = await bucket.list({ prefix });
  return found.map(({ key }) => key.slice(prefix.length)).sort();
}
const bytesOf = async (name: string): Promise<Uint8Array> => {
  const found = await bucket.get(name);
  if (found === null) throw new Error(`no ${name}`);
  return new Uint8Array(await found.arrayBuffer());
};

/** What was downloaded of a log's copy, as `audit verify DIR` judges it. */
async function judged(log: LogName, spoil: (file: string, bytes: Uint8Array) => Uint8Array = (_, bytes) => bytes) {
  const folder = mkdtempSync("/tmp/copy-");
  try {
    for (const name of await namesOf(log)) {
      const file = join(folder, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, spoil(name, await bytesOf(copyFolder(log) + name)));
    }
    return await examine(readLogFolder(folder), null, null, null, Date.now());
  } finally {
    rmSync(folder, { recursive: true });
  }
}

beforeAll(stopClock);
beforeEach(resetSink);

describe("AuditLog: the second copy", () => {
  it("has each tile when it is full and signed, and later a checkpoint with the tiles that are not", async () => {
    const org = newOrg();
    await append(org, tileWidth + 3);
    await wait(org, 1000);
    // Not signed yet.
    expect(await namesOf(org)).toEqual([]);
    await wait(org);
    expect(await namesOf(org)).toEqual(["tile/0/000", "tile/entries/000"]);
    await wait(org, checkpointCopyMs);
    const { view, keys } = await verified(org);
    expect(await namesOf(org)).toEqual([
      "checkpoint/259",
      expect.stringMatching(/^key\/[0-9a-f]{8}$/),
      "tile/0/000",
      "tile/0/001.p/3",
      "tile/1/000.p/1",
      "tile/entries/000",
      "tile/entries/001.p/3",
    ]);
    expect(new TextDecoder().decode(await bytesOf(checkpointName(org, 259)))).toBe(view.note);
    expect(keys).toHaveLength(1);
  });

  it("holds exactly what the object shows, and nothing that names a person", async () => {
    const org = newOrg();
    await append(org, 2 * tileWidth);
    await wait(org);
    for (const text of ["0/000", "0/001", "entries/000", "entries/001"]) {
      const stored = await bytesOf(tileName(org, path(text)));
      expect(stored).toEqual(await logOf(org).tile(path(text)));
      const words = new TextDecoder().decode(stored);
      for (const secret of ["203.0.113.7", "Mozilla", "usr_"]) expect(words).not.toContain(secret);
    }
  });

  it("is the whole log: the offline verifier believes the bucket alone, and names the entry that is not what was signed", async () => {
    const org = newOrg();
    await append(org, 2 * tileWidth + 7);
    await wait(org);
    await wait(org, checkpointCopyMs);
    await append(org, tileWidth);
    await wait(org);
    await wait(org, checkpointCopyMs);
    const size = 3 * tileWidth + 7;
    const origin = `sentinel/sentinel.test/${org}`;
    expect(await judged(org)).toMatchObject({ origin, size, why: null, shown: null });
    const spoiled = await judged(org, (file, bytes) => {
      const text = new TextDecoder("latin1").decode(bytes);
      const changed = text.replace("success", "failure");
      return file === "tile/entries/001" ? Uint8Array.from(changed, (letter) => letter.charCodeAt(0)) : bytes;
    });
    expect(spoiled).toMatchObject({ why: null, shown: { seq: tileWidth + 1, tampering: "changed" } });
    const forged = await judged(org, (file, bytes) => (file === "tile/0/002" ? bytes.toReversed() : bytes));
    expect(forged.why).toBe("hashes_not_signed");
  });

  it("is what full tiles are served from, and where the bucket has none the object answers", async () => {
    const org = newOrg();
    await append(org, tileWidth);
    await wait(org);
    const own = await logOf(org).tile(path("0/000"));
    // Whoever holds the object's storage changes nothing of what was copied.
    await change(org, "UPDATE entries SET leaf_hash = ? WHERE seq = 1", "00".repeat(32));
    expect(await entrypoints.AuditProofs.tile(await readerCall(org), path("0/000"))).toEqual(own);
    await bucket.delete(tileName(org, path("0/000")));
    const [first] = (await entrypoints.AuditProofs.tile(await readerCall(org), path("0/000"))) ?? [];
    expect(first).toBe(0);
  });

  it("is of one's own log alone", async () => {
    const [org, other] = [newOrg(), newOrg()];
    await append(org, tileWidth);
    await wait(org);
    expect(await entrypoints.AuditProofs.tile(await readerCall(other), path("0/000"))).toBeNull();
  });

  it("overwrites nothing: where something else stands it stays, and the copy waits until it is gone", async () => {
    const org = newOrg();
    const name = tileName(org, path("entries/000"));
    await bucket.put(name, "forged");
    await append(org, tileWidth);
    await wait(org);
    expect(await namesOf(org)).not.toContain("tile/0/001");
    expect(new TextDecoder().decode(await bytesOf(name))).toBe("forged");
    await append(org, tileWidth);
    await wait(org, 3600_000);
    expect(await namesOf(org)).not.toContain("tile/0/001");
    await bucket.delete(name);
    await wait(org, 3600_000);
    expect(await namesOf(org)).toContain("tile/0/001");
  });

  it("goes on where it was: what was written and not remembered is written again as the same", async () => {
    const org = newOrg();
    await append(org, 2 * tileWidth);
    await wait(org);
    const names = await namesOf(org);
    // As after a kill between the bucket's answer and the object's own commit.
    await change(org, "DELETE FROM copied");
    await evictDurableObject(logOf(org));
    await wait(org, 1000);
    await wait(org, checkpointCopyMs);
    expect(await namesOf(org)).toEqual(expect.arrayContaining(names));
    expect(await namesOf(org)).toContain("checkpoint/512");
  });

  it("takes some tiles a turn, and a log that is long already gets all of them, turn by turn", async () => {
    const org = newOrg();
    const tiles = tilesPerTurnMax + 4;
    await append(org, tiles * tileWidth);
    for (let turn = 0; turn * checkpointEntries < tiles * tileWidth; turn += 1) await wait(org, 1000);
    await wait(org);
    const found = await namesOf(org);
    for (const { index } of tilesOfLevel(0, tiles * tileWidth))
      expect(found).toContain(`tile/0/${String(index).padStart(3, "0")}`);
  });

  it("is made of the platform's logs as well, and proves them without us: nobody else shows what they hold", async () => {
    const log = "platform-3";
    await append(log, tileWidth + 2);
    await wait(log);
    await wait(log, checkpointCopyMs);
    const { origin, size, ...found } = await judged(log);
    expect({ origin, ...found }).toMatchObject({ origin: `sentinel/sentinel.test/${log}`, why: null, shown: null });
    expect(size).toBeGreaterThanOrEqual(tileWidth + 2);
    const spoiled = await judged(log, (file, bytes) => {
      const changed = new TextDecoder("latin1").decode(bytes).replace("success", "failure");
      return file === "tile/entries/000" ? Uint8Array.from(changed, (letter) => letter.charCodeAt(0)) : bytes;
    });
    expect(spoiled).toMatchObject({ why: null, shown: { tampering: "changed" } });
  });
});
