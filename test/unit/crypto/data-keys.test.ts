import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import {
  importDataKey,
  openAt,
  SealBroken,
  type SealedKind,
  sealAt,
  sealedUnder,
} from "../../../core/crypto/data-key.ts";
import { DataKeyRing, messagesReservedAtOnce } from "../../../core/crypto/data-key-ring.ts";
import type { DataKeySet, DataKeyStore, KeeperOutcome } from "../../../core/crypto/data-key-set.ts";
import { KeyUnavailable, type KeyWrapper } from "../../../core/crypto/key-wrapper.ts";
import { createSentinelKeeper } from "../../../core/crypto/sentinel-keeper.ts";
import { keeperPauseMs, UnwrappedKeys, unwrappedKeysMax, unwrappedMsMax } from "../../../core/crypto/unwrapped-keys.ts";
import { type DataKeyId, makeId, type OrgId } from "../../../core/ids.ts";

const random = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from(randomBytes(length));
const newOrg = (): OrgId => makeId("org", Date.now(), random(10));
const newKeyId = (): DataKeyId => makeId("dataKey", Date.now(), random(10));
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text));
const place = { table: "commands.args", row: "cmd_1" };
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "opened",
    (error: unknown) => (error instanceof KeyUnavailable ? error.reason : error),
  );

describe("a sealed text", () => {
  const kinds = ["rows", "keys"] as const satisfies readonly SealedKind[];
  const orgs = [newOrg(), newOrg()] as const;
  const ids = [newKeyId(), newKeyId()] as const;
  const secrets = [random(32), random(32)] as const;
  /** Any combination of what a text is bound to; short words, so that cutting them elsewhere would collide. */
  const bound = fc.record({
    kind: fc.constantFrom(...kinds),
    org: fc.constantFrom(...orgs),
    id: fc.constantFrom(...ids),
    secret: fc.constantFrom(...secrets),
    table: fc.stringMatching(/^[a",]{0,2}$/),
    row: fc.stringMatching(/^[a",]{0,2}$/),
  });

  it("opens at its own place and nowhere else: not as another row, table, kind, organisation or key", async () => {
    // Most pairs differ in one part alone: that one must be enough.
    const parts = fc.subarray(["kind", "org", "id", "secret", "table", "row"] as const, { maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(bound, bound, parts, fc.uint8Array({ maxLength: 40 }), async (here, other, moved, content) => {
        const there = { ...here, ...Object.fromEntries(moved.map((part) => [part, other[part]])) };
        const sealing = await importDataKey(here.org, here.id, Uint8Array.from(here.secret));
        const sealed = await sealAt(sealing, here.kind, here, Uint8Array.from(content), random(12));
        const opening = await importDataKey(there.org, there.id, Uint8Array.from(there.secret));
        const opened = openAt(opening, there.kind, there, sealed);
        if (JSON.stringify(here) === JSON.stringify(there)) expect([...(await opened)]).toEqual([...content]);
        else await expect(opened).rejects.toThrow(SealBroken);
      }),
      { numRuns: 500 },
    );
  });

  it("does not open when one of its characters changed", async () => {
    const key = await importDataKey(orgs[0], ids[0], random(32));
    const sealed = await sealAt(key, "rows", place, bytesOf("restart at noon"), random(12));
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = `${sealed.slice(0, at)}${sealed[at] === "A" ? "B" : "A"}${sealed.slice(at + 1)}`;
      await expect(openAt(key, "rows", place, changed), `character ${at}`).rejects.toThrow(SealBroken);
    }
    for (const none of ["", "d1", `${sealed}.`, `${sealed}=`, sealed.replace("d1", "d2"), sealed.replace("d1", "w1")])
      expect(sealedUnder("rows", none)).toBeNull();
  });
});

/** Keys in memory, under the rules of the table: a version for changes, a bound for messages. */
class MemoryStore implements DataKeyStore {
  set: DataKeySet = {
    version: 0,
    shredded: false,
    keeper: { kind: "sentinel", settings: {}, credentials: null },
    current: null,
    keys: [],
    reserved: 0,
  };
  messagesLeft = Number.POSITIVE_INFINITY;
  reads = 0;
  reports: KeeperOutcome[] = [];
  async read(messages: number): Promise<DataKeySet> {
    this.reads += 1;
    const reserved = this.set.current !== null && messages <= this.messagesLeft ? messages : 0;
    this.messagesLeft -= reserved;
    return { ...this.set, reserved };
  }
  async add(version: number, key: { id: DataKeyId; wrapped: string }): Promise<boolean> {
    if (version !== this.set.version || this.set.shredded) return false;
    this.set = { ...this.set, version: version + 1, current: key.id, keys: [...this.set.keys, key] };
    this.messagesLeft = Number.POSITIVE_INFINITY;
    return true;
  }
  async report(outcome: KeeperOutcome): Promise<void> {
    this.reports.push(outcome);
  }
}

describe("a data key ring", () => {
  let org: OrgId;
  let nowMs: number;
  let store: MemoryStore;
  let keeper: KeyWrapper & { unwraps: number; fails: KeyUnavailable | null };
  const newRing = (): DataKeyRing =>
    new DataKeyRing({ keeperOf: () => keeper, now: () => nowMs, randomBytes: random, makeKeyId: newKeyId });

  beforeEach(async () => {
    org = newOrg();
    nowMs = 1_800_000_000_000;
    store = new MemoryStore();
    const own = await createSentinelKeeper(randomBytes(32).toString("base64url"), null, random);
    keeper = {
      unwraps: 0,
      fails: null,
      wrap: own.wrap,
      async unwrap(...given) {
        keeper.unwraps += 1;
        if (keeper.fails !== null) throw keeper.fails;
        return own.unwrap(...given);
      },
    };
  });

  it("seals and opens, asks the keeper once, and makes the first key by itself", async () => {
    const keys = newRing().of(org, store);
    const sealed = await keys.seal(place, bytesOf("one"));
    const again = await keys.seal(place, bytesOf("one"));
    expect(sealed).not.toBe(again);
    expect(Buffer.from(await keys.open(place, sealed)).toString()).toBe("one");
    expect(store.set.keys).toHaveLength(1);
    expect(keeper.unwraps).toBe(1);
    expect(store.reports).toEqual(["answered", "answered"]);
  });

  it("opens in another isolate, and not for another organisation that has read the same keys", async () => {
    const sealed = await newRing().of(org, store).seal(place, bytesOf("one"));
    expect(Buffer.from(await newRing().of(org, store).open(place, sealed)).toString()).toBe("one");
    expect(await failure(newRing().of(newOrg(), store).open(place, sealed))).toBe("refused");
  });

  it("asks once for the key that the rows of a page share", async () => {
    const sealing = newRing().of(org, store);
    const page = await Promise.all(Array.from({ length: 50 }, () => sealing.seal(place, bytesOf("row"))));
    keeper.unwraps = 0;
    const opening = newRing().of(org, store);
    await Promise.all(page.map((sealed) => opening.open(place, sealed)));
    expect(keeper.unwraps).toBe(1);
  });

  it("old texts open after the key was rotated, and new ones are under the new key", async () => {
    const ring = newRing();
    const keys = ring.of(org, store);
    const old = await keys.seal(place, bytesOf("old"));
    expect(await ring.rotate(org, store)).toBe(true);
    const fresh = await keys.seal(place, bytesOf("new"));
    expect(sealedUnder("rows", fresh)).not.toBe(sealedUnder("rows", old));
    expect(sealedUnder("rows", fresh)).toBe(store.set.current);
    for (const reading of [keys, newRing().of(org, store)]) {
      expect(Buffer.from(await reading.open(place, old)).toString()).toBe("old");
      expect(Buffer.from(await reading.open(place, fresh)).toString()).toBe("new");
    }
  });

  it("a withdrawn key is worthless ten minutes after the keeper was last asked, for reading and for sealing", async () => {
    const keys = newRing().of(org, store);
    const sealed = await keys.seal(place, bytesOf("one"));
    keeper.fails = new KeyUnavailable("refused");
    nowMs += unwrappedMsMax - 1;
    expect(await failure(keys.open(place, sealed))).toBe("opened");
    nowMs += 1;
    expect(await failure(keys.open(place, sealed))).toBe("refused");
    expect(await failure(keys.seal(place, bytesOf("two")))).toBe("refused");
    expect(store.reports.at(-1)).toBe("refused");
    // No other key was made in its place.
    expect(store.set.keys).toHaveLength(1);
    expect(unwrappedMsMax).toBeLessThanOrEqual(15 * 60_000);
  });

  it("use does not make a key live longer, and neither does a clock that was set back", async () => {
    const keys = newRing().of(org, store);
    const sealed = await keys.seal(place, bytesOf("one"));
    keeper.fails = new KeyUnavailable("refused");
    for (let minute = 0; minute < 9; minute += 1) {
      nowMs += 60_000;
      expect(await failure(keys.open(place, sealed))).toBe("opened");
    }
    nowMs += 60_000;
    expect(await failure(keys.open(place, sealed))).toBe("refused");

    keeper.fails = null;
    nowMs += keeperPauseMs;
    await keys.open(place, sealed);
    keeper.fails = new KeyUnavailable("refused");
    nowMs -= 60_000;
    expect(await failure(keys.open(place, sealed))).toBe("refused");
  });

  it("asks a keeper that failed no more than once in five seconds, and again when it is back", async () => {
    const sealed = await newRing().of(org, store).seal(place, bytesOf("one"));
    const keys = newRing().of(org, store);
    keeper.unwraps = 0;
    keeper.fails = new KeyUnavailable("unreachable");
    for (let request = 0; request < 20; request += 1)
      expect(await failure(keys.open(place, sealed))).toBe("unreachable");
    expect(keeper.unwraps).toBe(1);
    keeper.fails = null;
    nowMs += keeperPauseMs;
    expect(await failure(keys.open(place, sealed))).toBe("opened");
  });

  it("reserves messages before it seals, never seals more than it reserved, and rotates when none are left", async () => {
    const keys = newRing().of(org, store);
    await keys.seal(place, bytesOf("first"));
    const first = store.set.current;
    // The first block is full after 1,023 more; the store grants one further block, and no third one.
    store.messagesLeft = messagesReservedAtOnce;
    const reads = store.reads;
    for (let message = 1; message < 2 * messagesReservedAtOnce; message += 1) {
      const sealed = await keys.seal(place, bytesOf("more"));
      expect(sealedUnder("rows", sealed)).toBe(first);
    }
    expect(store.reads).toBe(reads + 1);
    const next = await keys.seal(place, bytesOf("too many for the first"));
    expect(sealedUnder("rows", next)).not.toBe(first);
    expect(store.set.keys).toHaveLength(2);
  });

  it("a thousand seals at once use a nonce each and one key", async () => {
    const ring = newRing();
    await ring.of(org, store).seal(place, bytesOf("warm"));
    const sealed = await Promise.all(
      Array.from({ length: 1_000 }, () => ring.of(org, store).seal(place, bytesOf("same"))),
    );
    expect(new Set(sealed.map((text) => text.split(".")[2])).size).toBe(1_000);
    expect(store.set.keys).toHaveLength(1);
  });

  it("isolates that make the first key at the same moment end with one", async () => {
    const sealed = await Promise.all(
      Array.from({ length: 8 }, () => newRing().of(org, store).seal(place, bytesOf("x"))),
    );
    expect(new Set(sealed.map((text) => sealedUnder("rows", text)))).toEqual(new Set([store.set.current]));
    expect(store.set.keys).toHaveLength(1);
  });

  it("without its key a text is lost, and a shredded organisation gets no other one", async () => {
    const keys = newRing().of(org, store);
    const sealed = await keys.seal(place, bytesOf("one"));
    const backup = await keys.wrapper.wrap(org, random(32), "backup:bak_1");
    store.set = { ...store.set, shredded: true, current: null, keys: [] };
    const fresh = newRing().of(org, store);
    expect(await failure(fresh.open(place, sealed))).toBe("shredded");
    expect(await failure(fresh.wrapper.unwrap(org, backup, "backup:bak_1"))).toBe("shredded");
    expect(await failure(fresh.seal(place, bytesOf("two")))).toBe("shredded");
    nowMs += unwrappedMsMax;
    expect(await failure(keys.open(place, sealed))).toBe("shredded");
    expect(store.set.keys).toHaveLength(0);
  });

  it("wraps others' keys for one purpose, and a row can't be passed off as one", async () => {
    const keys = newRing().of(org, store);
    const secret = random(32);
    const wrapped = await keys.wrapper.wrap(org, secret, "backup:bak_1");
    expect(await keys.wrapper.unwrap(org, wrapped, "backup:bak_1")).toEqual(secret);
    await expect(keys.wrapper.unwrap(org, wrapped, "backup:bak_2")).rejects.toThrow(SealBroken);
    await expect(keys.wrapper.wrap(newOrg(), secret, "backup:bak_1")).rejects.toThrow("another organisation");
    const row = await keys.seal({ table: "key", row: "backup:bak_1" }, secret);
    expect(await failure(keys.wrapper.unwrap(org, row, "backup:bak_1"))).toBe("malformed");
  });

  it("holds a bounded number of keys, the newest ones", async () => {
    const held = new UnwrappedKeys(() => nowMs);
    const key = await importDataKey(org, newKeyId(), random(32));
    const ids = Array.from({ length: unwrappedKeysMax + 1 }, () => newKeyId());
    for (const id of ids) held.keep({ key: { ...key, id }, askedAtMs: nowMs, messages: 1 });
    expect(held.find(org, ids[0] as DataKeyId)).toBeNull();
    expect(held.find(org, ids[1] as DataKeyId)).not.toBeNull();
    expect(held.find(org, ids.at(-1) as DataKeyId)).not.toBeNull();
  });
});
