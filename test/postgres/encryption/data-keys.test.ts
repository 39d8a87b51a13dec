import { randomBytes } from "node:crypto";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DataKeyRing, messagesReservedAtOnce } from "../../../core/crypto/data-key-ring.ts";
import type { DataKeyStore, WrappedDataKey } from "../../../core/crypto/data-key-set.ts";
import { createSentinelKeeper } from "../../../core/crypto/sentinel-keeper.ts";
import { makeId, type OrgId } from "../../../core/ids.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { dataKeyStore, shredDataKeys } from "../../../store/control/data-keys.ts";
import {
  addDataKey,
  describeEncryption,
  readDataKeys,
  replaceKeeper,
  reportKeeper,
} from "../../../workers/data/data-keys/data-keys.ts";
import { scopeOf } from "../../support/scopes.ts";
import { createDataWorld, type DataWorld, refusedBecause } from "../data/support.ts";
import { asSuperuser, controlDatabase, directoryDatabase, freshTenant, newRequestId, newUserId } from "../support.ts";

const random = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from(randomBytes(length));
const newKey = (wrapped = "wrapped"): WrappedDataKey => ({ id: makeId("dataKey", Date.now(), random(10)), wrapped });
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text));

let org: OrgId;
let store: DataKeyStore;
beforeEach(async () => {
  ({ org } = await freshTenant());
  store = dataKeyStore(directoryDatabase, scopeOf(org));
});

describe("the set of an organisation's wrapped keys", () => {
  it("begins empty, and each new key becomes the one that seals", async () => {
    expect(await store.read(1)).toMatchObject({ version: 0, current: null, keys: [], reserved: 0, shredded: false });
    const [first, second] = [newKey("one"), newKey("two")];
    expect(await store.add(0, first)).toBe(true);
    expect(await store.add(1, second)).toBe(true);
    const set = await store.read(0);
    expect(set).toMatchObject({ version: 2, current: second.id, reserved: 0 });
    expect(new Set(set.keys)).toEqual(new Set([first, second]));
  });

  it("of fifty who add a key to the same version at the same moment, one does", async () => {
    for (const version of [0, 1]) {
      const added = await Promise.all(Array.from({ length: 50 }, () => store.add(version, newKey())));
      expect(added.filter(Boolean)).toHaveLength(1);
    }
    expect((await store.read(0)).keys).toHaveLength(2);
  });

  it("takes no key for a version that was never there, nor for an organisation that is not", async () => {
    expect(await store.add(7, newKey())).toBe(false);
    const nowhere = dataKeyStore(directoryDatabase, scopeOf(makeId("org", Date.now(), random(10))));
    expect(await nowhere.add(0, newKey())).toBe(false);
  });

  it("hands out each message of a key once, under any concurrency, and none beyond 2^30", async () => {
    await store.add(0, newKey());
    await asSuperuser("UPDATE control.data_keys SET messages_reserved = $1 WHERE org_id = $2", [2 ** 30 - 10_240, org]);
    const granted = await Promise.all(Array.from({ length: 40 }, () => store.read(messagesReservedAtOnce)));
    const total = granted.reduce((sum, set) => sum + set.reserved, 0);
    expect(total).toBe(10_240);
    const [row] = await asSuperuser(
      "SELECT messages_reserved::float8 AS reserved FROM control.data_keys WHERE org_id = $1",
      [org],
    );
    expect(row?.["reserved"]).toBe(2 ** 30);
    await expect(
      asSuperuser("UPDATE control.data_keys SET messages_reserved = messages_reserved + 1 WHERE org_id = $1", [org]),
    ).rejects.toThrow("check constraint");
  });

  it("a ring whose key is spent goes on under a new one, and the old one still opens", async () => {
    const keeper = await createSentinelKeeper(randomBytes(32).toString("base64url"), null, random);
    const newRing = (): DataKeyRing =>
      new DataKeyRing({
        keeperOf: () => keeper,
        now: Date.now,
        randomBytes: random,
        makeKeyId: () => makeId("dataKey", Date.now(), random(10)),
      });
    const place = { table: "commands.args", row: "cmd_1" };
    const old = await newRing().of(org, store).seal(place, bytesOf("old"));
    await asSuperuser("UPDATE control.data_keys SET messages_reserved = $1 WHERE org_id = $2", [2 ** 30, org]);
    const fresh = await newRing().of(org, store).seal(place, bytesOf("new"));
    expect(fresh.split(".")[1]).not.toBe(old.split(".")[1]);
    expect(Buffer.from(await newRing().of(org, store).open(place, old)).toString()).toBe("old");

    // Shredded: what was sealed is gone, a copy of the wrapped keys' own table aside.
    await shredDataKeys(controlDatabase, scopeOf(org));
    await expect(newRing().of(org, store).open(place, fresh)).rejects.toThrow("shredded");
    await expect(newRing().of(org, store).seal(place, bytesOf("x"))).rejects.toThrow("shredded");
    expect((await store.read(0)).keys).toEqual([]);
  });

  it("of a shredding and those who add keys meanwhile, the shredding wins", async () => {
    await store.add(0, newKey());
    const adding = Array.from({ length: 30 }, async () => store.add((await store.read(0)).version, newKey()));
    await Promise.all([...adding, shredDataKeys(controlDatabase, scopeOf(org))]);
    expect(await store.read(0)).toMatchObject({ shredded: true, current: null, keys: [] });
  });
});

describe("the data Worker's keys", () => {
  let world: DataWorld;
  beforeAll(async () => {
    world = await createDataWorld();
  });
  const as = async (role: Role, of = org, requestId = newRequestId()) =>
    world.mesh
      .caller("capabilities")
      .asUser("data.data-keys", await world.mesh.accessToken(of, newUserId(), role), requestId);
  const https = { kind: "https", settings: { address: "https://keys.example.org" }, credentials: "sealed" } as const;

  it("are the call's own organisation's and nobody else's", async () => {
    const other = await freshTenant();
    await addDataKey(world.unit, await as("viewer"), 0, newKey("mine"));
    expect((await readDataKeys(world.unit, await as("viewer"), 0)).keys).toMatchObject([{ wrapped: "mine" }]);
    expect((await readDataKeys(world.unit, await as("owner", other.org), 0)).keys).toEqual([]);
  });

  it("are not for studio, not for a call to another entrypoint, and not for another job", async () => {
    const token = await world.mesh.accessToken(org, newUserId(), "owner");
    const studio = world.mesh.caller("studio");
    const asStudio = await studio.asUser("data.data-keys", token, newRequestId());
    expect(await refusedBecause(readDataKeys(world.unit, asStudio, 0))).toBe("not_granted");
    const elsewhere = await world.mesh.caller("capabilities").asUser("data.credentials", token, newRequestId());
    expect(await refusedBecause(readDataKeys(world.unit, elsewhere, 0))).toBe("wrong_audience");
    const enrolling = await world.mesh.caller("capabilities").asJob("data.data-keys", "enroll", org, newRequestId());
    expect(await refusedBecause(readDataKeys(world.unit, enrolling, 0))).toBe("wrong_job");
  });

  it("go to another keeper all at once, with a receipt, on an owner's word alone", async () => {
    const [first, second] = [newKey(), newKey()];
    await store.add(0, first);
    await store.add(1, second);
    const keys = [first, second].map(({ id }) => ({ id, wrapped: "anew" }));
    for (const role of ["admin", "analyst", "viewer", "readonly"] as const) {
      const change = replaceKeeper(world.unit, await as(role), { version: 2, keeper: https, keys });
      expect(await refusedBecause(change)).toBe("not_granted");
    }
    // A key that was forgotten, or one that came meanwhile: nothing changes.
    const forgotten = { version: 2, keeper: https, keys: keys.slice(0, 1) };
    expect(await replaceKeeper(world.unit, await as("owner"), forgotten)).toBe(false);
    expect(await replaceKeeper(world.unit, await as("owner"), { version: 1, keeper: https, keys })).toBe(false);
    expect(await store.read(0)).toMatchObject({ version: 2, keeper: { kind: "sentinel" } });

    const requestId = newRequestId();
    const call = await as("owner", org, requestId);
    expect(await replaceKeeper(world.unit, call, { version: 2, keeper: https, keys })).toBe(true);
    expect(await store.read(0)).toMatchObject({ version: 3, current: second.id, keeper: https });
    expect((await store.read(0)).keys.map((key) => key.wrapped)).toEqual(["anew", "anew"]);
    const receipts = await asSuperuser("SELECT org_id FROM control.operation_receipts WHERE request_id = $1", [
      requestId,
    ]);
    expect(receipts).toEqual([{ org_id: org }]);
  });

  it("are described without anything that is secret, with how the keeper answered last", async () => {
    expect(await describeEncryption(world.unit, await as("owner"))).toMatchObject({
      keeper: { kind: "sentinel" },
      keys: [],
    });
    const key = newKey("secret-wrapped-text");
    await store.add(0, key);
    const change = { version: 1, keeper: { ...https, credentials: "secret-credentials" }, keys: [key] };
    expect(await replaceKeeper(world.unit, await as("owner"), change)).toBe(true);
    await reportKeeper(world.unit, await as("viewer"), "refused");
    const state = await describeEncryption(world.unit, await as("owner"));
    expect(state).toMatchObject({
      keeper: { kind: "https", settings: https.settings },
      failure: "refused",
      keys: [{ id: key.id, current: true, messagesReserved: 0 }],
    });
    expect(JSON.stringify(state)).not.toContain("secret-");
    await reportKeeper(world.unit, await as("viewer"), "answered");
    const answered = await describeEncryption(world.unit, await as("owner"));
    expect(Date.parse(answered.unwrappedAt ?? "")).toBeGreaterThan(Date.parse(answered.failedAt ?? ""));
  });
});
