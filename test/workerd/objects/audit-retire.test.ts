import { runInDurableObject } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { LogName } from "../../../core/audit/logs.ts";
import { type MonthManifest, parseMonthLines } from "../../../core/audit/month-archive.ts";
import { hashBytes, tileWidth } from "../../../core/audit/tree.ts";
import type { SinkEntry } from "../../../core/rpc/data.ts";
import type { AuditLog } from "../../../durable-objects/audit-log/audit-log.ts";
import { monthFolder } from "../../../durable-objects/audit-log/months/retire-month.ts";
import { retireMonths } from "../../../durable-objects/audit-log/months/retire-months.ts";
import { type Shown, SignedLeaves } from "../../../durable-objects/audit-log/months/signed-leaves.ts";
import type { HeadSigner } from "../../../durable-objects/audit-log/published-log.ts";
import { keyRingName } from "../../../durable-objects/mesh.ts";
import { resetSink, sink } from "./fake-sink.ts";
import { newOrg, objects, stopClock } from "./harness.ts";
import { append, change, logOf, wait } from "./log-kit.ts";

const bucket = objects.AUDIT_COPY;
const bytesOf = async (name: string): Promise<Uint8Array> =>
  new Uint8Array(await ((await bucket.get(name)) as R2ObjectBody).arrayBuffer());
const digest = async (bytes: Uint8Array): Promise<string> =>
  Buffer.from(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes))).toString("hex");

/** What the platform's log says of months, oldest first. */
async function recorded(placement: string): Promise<unknown[]> {
  const { items } = await logOf("platform-0").list("platform-0", {
    ...{ type: "audit_month", actor: null, fromMs: null, toMs: null, beforeSeq: null },
    limit: 100,
  });
  return items
    .flatMap(({ event }) => (event.type === "audit_month" && event.placement === placement ? [event] : []))
    .reverse();
}

/** Logs whose entries are all drained and signed, written at once. */
async function settled(...counts: number[]): Promise<LogName[]> {
  const logs = counts.map(() => newOrg());
  for (const [index, log] of logs.entries()) await append(log, counts[index] ?? 0);
  for (const log of logs) {
    await wait(log, 1000);
    await wait(log);
    await wait(log, 1000);
  }
  return logs;
}

/** A placement of this test's own, so that its folder is, too. */
const due = (month = written()) => ({ placement: `p${crypto.randomUUID()}`, month });
const written = (): string => ([...sink.rows.values()][0] as SinkEntry).entry.at.slice(0, 7);
/** The rows of other tests and of the platform's own logs are of the same month, and of no interest. */
function keep(...logs: LogName[]): void {
  for (const [key, { entry }] of sink.rows) if (!logs.includes(entry.log as LogName)) sink.rows.delete(key);
}
const changed = (log: LogName, seq: number, over: (row: SinkEntry) => SinkEntry): void => {
  const key = `${log} ${seq}`;
  sink.rows.set(key, over(sink.rows.get(key) as SinkEntry));
};

beforeAll(stopClock);
beforeEach(resetSink);

describe("a month whose seven years are over", () => {
  it("is exported, sealed, read again and only then detached, and each step is on record", async () => {
    const [one, two] = (await settled(2 * tileWidth + 40, 3)) as [LogName, LogName];
    keep(one, two);
    const month = due();
    sink.due = [month];
    await retireMonths(objects);
    const entries = 2 * tileWidth + 43;
    expect(sink.retired).toEqual([{ ...month, entries, seal: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    const seal = sink.retired[0]?.seal ?? "";
    const event = { type: "audit_month", ...month };
    expect(await recorded(month.placement)).toEqual([
      { ...event, action: "begun", entries: null, seal: null },
      { ...event, action: "sealed", entries, seal },
      { ...event, action: "detached", entries, seal },
    ]);
    const manifest = await bytesOf(`${monthFolder(month)}manifest/${seal}`);
    expect(await digest(manifest)).toBe(seal);
    const { parts, checkpoints } = JSON.parse(new TextDecoder().decode(manifest)) as MonthManifest;
    const found: string[] = [];
    for (const { name, log, sha256 } of parts) {
      const part = await bytesOf(monthFolder(month) + name);
      expect(await digest(part)).toBe(sha256);
      for (const { leafJson } of parseMonthLines(log, new TextDecoder().decode(part))) found.push(leafJson);
    }
    expect(found.sort()).toEqual([...sink.rows.values()].map(({ leafJson }) => leafJson).sort());
    expect(Object.keys(checkpoints).sort()).toEqual([one, two].sort());
    for (const secret of ["203.0.113.7", "Mozilla", "usr_"]) expect(found.join()).not.toContain(secret);
  });

  it.each([
    [
      "an entry that Postgres changed",
      (log: LogName) => changed(log, 5, (row) => ({ ...row, leafJson: row.leafJson.replace("success", "failure") })),
    ],
    [
      "an entry of the tile that is not full that Postgres changed",
      (log: LogName) =>
        changed(log, tileWidth + 2, (row) => ({ ...row, leafJson: row.leafJson.replace("success", "failure") })),
    ],
    ["an entry that is gone", (log: LogName) => void sink.rows.delete(`${log} 9`)],
    ["an entry in another's place", (log: LogName) => changed(log, 5, () => sink.rows.get(`${log} 6`) as SinkEntry)],
    [
      "an entry that nobody wrote",
      (log: LogName) =>
        void sink.rows.set(`${log} 999`, {
          ...(sink.rows.get(`${log} 6`) as SinkEntry),
          entry: { ...(sink.rows.get(`${log} 6`) as SinkEntry).entry, seq: 999 },
        }),
    ],
  ])("stays, and that it failed is on record, with %s", async (_, spoil) => {
    const [log] = (await settled(tileWidth + 4)) as [LogName];
    keep(log);
    spoil(log);
    const month = due();
    sink.due = [month];
    await expect(retireMonths(objects)).rejects.toBeInstanceOf(AggregateError);
    expect(sink.retired).toEqual([]);
    expect(await recorded(month.placement)).toMatchObject([{ action: "begun" }, { action: "failed", seal: null }]);
  });

  it("stays when its log's own object was rewritten: what it shows is not what was signed", async () => {
    const [log] = (await settled(tileWidth + 4)) as [LogName];
    keep(log);
    const row = sink.rows.get(`${log} 5`) as SinkEntry;
    const leafJson = row.leafJson.replace("success", "failure");
    const forged = await digest(new Uint8Array([0, ...new TextEncoder().encode(leafJson)]));
    await change(log, "UPDATE entries SET leaf = ?, leaf_hash = ? WHERE seq = 5", leafJson, forged);
    changed(log, 5, () => ({ ...row, leafJson }));
    sink.due = [due()];
    await expect(retireMonths(objects)).rejects.toBeInstanceOf(AggregateError);
    expect(sink.retired).toEqual([]);
  });

  it("is held against tiles that are bound to the signed root: one altered hash of an object that lies is none", async () => {
    const [log] = (await settled(tileWidth + 4)) as [LogName];
    const object = logOf(log);
    const { keys } = await (objects.KEY_RING.getByName(keyRingName) as unknown as HeadSigner).logKeys();
    const tile = async () => (await object.tile({ level: 0, index: 0, width: tileWidth })) as Uint8Array<ArrayBuffer>;
    const honest: Shown = {
      checkpoint: () => object.checkpoint(),
      inclusion: (seq, size) => object.inclusion(seq, size),
      tile,
    };
    const hashes = await tile();
    const hashOf = (bytes: Uint8Array, place: number): Uint8Array =>
      bytes.slice(place * hashBytes, (place + 1) * hashBytes);
    const signed = (shown: Shown) => SignedLeaves.of(log, shown, keys) as Promise<SignedLeaves>;
    for (const place of [0, 1, 5, 200, 255]) {
      expect(await (await signed(honest)).has(place + 1, hashOf(hashes, place))).toBe(true);
      const altered = hashes.slice();
      altered[place * hashBytes] = (altered[place * hashBytes] ?? 0) ^ 1;
      const lying = await signed({ ...honest, tile: async () => altered });
      expect(await lying.has(place + 1, hashOf(altered, place))).toBe(false);
    }
    expect(await SignedLeaves.of(newOrg(), honest, keys)).toBeNull();
    const stranger = { publicKey: new Uint8Array(32).fill(7), madeMs: 0, retiredMs: null };
    expect(await SignedLeaves.of(log, honest, [stranger])).toBeNull();
  });

  it("stays when what was written is not what is read again", async () => {
    const [log] = (await settled(3)) as [LogName];
    keep(log);
    const month = due();
    sink.due = [month];
    await bucket.put(`${monthFolder(month)}${log}/1`, "somebody else's");
    await expect(retireMonths(objects)).rejects.toBeInstanceOf(AggregateError);
    expect(sink.retired).toEqual([]);
    const get = bucket.get.bind(bucket);
    const spoiled = due();
    sink.due = [spoiled];
    const env = {
      ...objects,
      AUDIT_COPY: {
        put: bucket.put.bind(bucket),
        get: async (name: string) => {
          if (name.includes("/manifest/")) return await get(name);
          return { arrayBuffer: async () => new TextEncoder().encode("rotten").buffer };
        },
      },
    } as unknown as typeof objects;
    await expect(retireMonths(env)).rejects.toBeInstanceOf(AggregateError);
    expect(sink.retired).toEqual([]);
  });

  it("is retired by the next run when one was killed half-way, and another placement's failure holds it up no more", async () => {
    const [log] = (await settled(3)) as [LogName];
    keep(log);
    const month = due();
    // Killed behind its parts: they are there, and nothing was detached.
    sink.due = [month];
    vi.spyOn(sink.retired, "push").mockImplementationOnce(() => {
      throw new Error("killed");
    });
    await expect(retireMonths(objects)).rejects.toBeInstanceOf(AggregateError);
    expect(sink.retired).toEqual([]);
    sink.due = [{ placement: "away", month: written() }, month];
    await expect(retireMonths(objects)).rejects.toBeInstanceOf(AggregateError);
    expect(sink.retired).toMatchObject([{ ...month, entries: 3 }]);
  });

  it("is on record once, also when the run died right behind its end", async () => {
    const [log] = (await settled(3)) as [LogName];
    keep(log);
    const lost = { ...due(), entries: 3, seal: "5ea1".repeat(16) };
    sink.retired.push(lost);
    await retireMonths(objects);
    await retireMonths(objects);
    expect(await recorded(lost.placement)).toEqual([{ type: "audit_month", ...lost, action: "detached" }]);
  });

  it("is not looked for where none is due", async () => {
    await retireMonths(objects);
    expect(sink.retired).toEqual([]);
    const count = await runInDurableObject(logOf("platform-0"), (_: AuditLog, { storage }) =>
      storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM entries WHERE type <> 'audit_month'").one(),
    );
    expect(count.n).toBe(0);
  });
});
