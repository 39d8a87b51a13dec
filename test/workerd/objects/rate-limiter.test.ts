import { evictDurableObject, listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import { type EnrollmentCodeId, makeId } from "../../../core/ids.ts";
import type { RateDecision, RatePolicy } from "../../../core/rpc/durable-objects.ts";
import type { RateLimiter } from "../../../durable-objects/rate-limiter/rate-limiter.ts";
import { entrypoints, objects, passTime, stopClock } from "./harness.ts";

beforeAll(stopClock);

const windowMs = 60_000;
const one = (limit: number, policy = "default"): RatePolicy => ({ policy, limit, windowMs });
/** The one policy's decision. */
const consume = async (client: string, limit: number): Promise<RateDecision | undefined> =>
  (await entrypoints.Limits.consume(client, [one(limit)])).decisions[0];
const shards = async (): Promise<DurableObjectStub<RateLimiter>[]> =>
  (await listDurableObjectIds(objects.RATE_LIMITER)).map((id) => objects.RATE_LIMITER.get(id));

const lease = async (client: string, limit: number, permits: number) =>
  await entrypoints.Limits.lease(client, one(limit), permits);
const rows = async (table: "hits" | "attempts" = "hits") => {
  const all = await Promise.all(
    (await shards()).map((shard) =>
      runInDurableObject(shard, (_instance, state) => state.storage.sql.exec(`SELECT * FROM ${table}`).toArray()),
    ),
  );
  return all.flat();
};
async function sweepAll(): Promise<void> {
  passTime(windowMs);
  for (const shard of await shards()) await runDurableObjectAlarm(shard);
}

async function evictShards(): Promise<void> {
  for (const shard of await shards()) {
    // Wakes it first: only a running object can be evicted.
    await runInDurableObject(shard, () => undefined);
    await evictDurableObject(shard);
  }
}

describe("Limits", () => {
  it("allows N requests, refuses the next, and allows again when the first leaves the window", async () => {
    for (let request = 1; request <= 5; request += 1) {
      const answer = await consume("default usr_a", 5);
      expect(answer).toEqual({ allowed: true, limit: 5, remaining: 5 - request, resetSeconds: 60 });
      passTime(1000);
    }
    expect(await consume("default usr_a", 5)).toEqual({ allowed: false, limit: 5, remaining: 0, resetSeconds: 55 });
    passTime(54_999);
    expect((await consume("default usr_a", 5))?.allowed).toBe(false);
    passTime(1);
    expect((await consume("default usr_a", 5))?.allowed).toBe(true);
    // Exactly one left the window, so exactly one more was allowed.
    expect((await consume("default usr_a", 5))?.allowed).toBe(false);
  });

  it("counts concurrent requests exactly", async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => consume("default usr_b", 7)));
    expect(answers.filter((answer) => answer?.allowed)).toHaveLength(7);
  });

  it("counts each key by itself", async () => {
    expect((await consume("sign_in 203.0.113.1", 1))?.allowed).toBe(true);
    expect((await consume("sign_in 203.0.113.1", 1))?.allowed).toBe(false);
    expect((await consume("sign_in 203.0.113.2", 1))?.allowed).toBe(true);
  });

  it("forgets nothing when its objects are evicted", async () => {
    for (let request = 0; request < 3; request += 1) expect((await consume("default usr_c", 3))?.allowed).toBe(true);
    await evictShards();
    expect((await consume("default usr_c", 3))?.allowed).toBe(false);
  });

  it("stores no address and nothing for refused requests, and deletes what has expired", async () => {
    for (let request = 0; request < 20; request += 1) await consume("sign_in 198.51.100.77", 2);
    expect(JSON.stringify(await rows())).not.toContain("198.51.100.77");
    const before = (await rows()).length;
    await consume("sign_in 198.51.100.77", 2);
    expect(await rows()).toHaveLength(before);
    await sweepAll();
    expect(await rows()).toEqual([]);
    // Nothing left to sweep: the objects sleep.
    for (const shard of await shards()) expect(await runDurableObjectAlarm(shard)).toBe(false);
  });

  it("counts a block at once, in two rows, as far as there is room, and a refused one in none", async () => {
    const before = (await rows()).length;
    expect(await lease("mqtt_connect a", 20, 16)).toEqual({
      granted: 16,
      decision: { allowed: true, limit: 20, remaining: 4, resetSeconds: 60 },
    });
    expect(await rows()).toHaveLength(before + 2);
    passTime(10_000);
    // Leases and single requests are one count.
    expect(await consume("mqtt_connect a", 20)).toMatchObject({ allowed: true, remaining: 3 });
    expect(await lease("mqtt_connect a", 20, 16)).toMatchObject({ granted: 3, decision: { remaining: 0 } });
    expect(await rows()).toHaveLength(before + 5);
    const refused = { allowed: false, limit: 20, remaining: 0, resetSeconds: 50 };
    expect(await lease("mqtt_connect a", 20, 16)).toEqual({ granted: 0, decision: refused });
    expect(await consume("mqtt_connect a", 20)).toEqual(refused);
    expect(await rows()).toHaveLength(before + 5);
    passTime(50_000);
    // The block left whole; what came ten seconds later has not.
    expect(await lease("mqtt_connect a", 20, 20)).toMatchObject({ granted: 16 });
  });

  it("keeps blocks when its objects are evicted between them", async () => {
    expect(await lease("mqtt_connect b", 10, 7)).toMatchObject({ granted: 7 });
    await evictShards();
    expect(await lease("mqtt_connect b", 10, 7)).toMatchObject({ granted: 3 });
    await evictShards();
    expect(await lease("mqtt_connect b", 10, 7)).toMatchObject({ granted: 0 });
    // A lowered limit looks for a request inside a block.
    expect(await lease("mqtt_connect b", 5, 1)).toMatchObject({ granted: 0, decision: { resetSeconds: 60 } });
  });

  it("never grants more than the limit to blocks that are asked for at once", async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => lease("mqtt_connect c", 50, 8)));
    expect(answers.map(({ granted }) => granted).sort((a, b) => b - a)).toEqual([8, 8, 8, 8, 8, 8, 2, 0, 0, 0, 0, 0]);
  });

  it("refuses arguments that no rate class has", async () => {
    const policy = one(1);
    const wrong: [string, RatePolicy[]][] = [
      ["", [policy]],
      ["k".repeat(257), [policy]],
      ["k", []],
      ["k", Array.from({ length: 5 }, () => policy)],
      ["k", [{ ...policy, limit: 0 }]],
      ["k", [{ ...policy, limit: 1.5 }]],
      ["k", [{ ...policy, windowMs: 0 }]],
      ["k", [{ ...policy, windowMs: 3600_001 }]],
      ["k", [{ ...policy, policy: "" }]],
      ["k", [policy, { ...policy, policy: "p".repeat(65) }]],
    ];
    for (const [client, policies] of wrong) {
      await expect((async () => await entrypoints.Limits.consume(client, policies))()).rejects.toThrow(RangeError);
    }
    for (const permits of [0, -1, 1.5, 257, Number.NaN])
      await expect(lease("k", 1, permits)).rejects.toThrow(RangeError);
  });

  it("allows not one more than the limit of each, when 1,000 requests of 20 clients come at once", async () => {
    const clients = Array.from({ length: 20 }, (_, index) => `user crowd ${index}`);
    const asking = Array.from({ length: 1000 }, async (_, index) => {
      const client = clients[index % clients.length] ?? "";
      return { client, answer: await consume(client, 30) };
    });
    const answers = await Promise.all(asking);
    const allowed = clients.map((client) => answers.filter((one) => one.client === client && one.answer?.allowed));
    expect(allowed.map(({ length }) => length)).toEqual(clients.map(() => 30));
    // Each of them was told another number of what is left.
    for (const own of allowed)
      expect(own.map(({ answer }) => answer?.remaining).sort((a, b) => Number(a) - Number(b))).toEqual(
        Array.from({ length: 30 }, (_, index) => index),
      );
    // The clients are not all in one object.
    const used = await Promise.all(
      (await shards()).map((shard) =>
        runInDurableObject(shard, (_i, state) => state.storage.sql.exec("SELECT key FROM hits LIMIT 1").toArray()),
      ),
    );
    expect(used.filter(({ length }) => length > 0).length).toBeGreaterThan(5);
  });

  it("counts a request under all its policies or under none", async () => {
    const both = [one(2, "org_creation"), one(5, "default")];
    const ask = async (policies: RatePolicy[]) => await entrypoints.Limits.consume("user both", policies);
    const left = async () => (await ask(both)).decisions.map(({ remaining }) => remaining);
    expect(await left()).toEqual([1, 4]);
    expect(await left()).toEqual([0, 3]);
    // Refused by the one: the other keeps its three, however often it is tried.
    for (let time = 0; time < 10; time += 1) {
      const { allowed, decisions } = await ask(both);
      expect([allowed, decisions.map((of) => [of.allowed, of.remaining])]).toEqual([
        false,
        [
          [false, 0],
          [true, 3],
        ],
      ]);
    }
    const alone = (await Promise.all([1, 2, 3, 4].map(async () => await ask([one(5, "default")])))).map(
      ({ allowed }) => allowed,
    );
    expect(alone).toEqual([true, true, true, false]);
    expect(await ask([one(2, "org_creation")])).toMatchObject({ allowed: false });
  });
});

describe("attempts", () => {
  const policy = one(10, "enrollment");
  const attempt = async (client: string) => await entrypoints.Limits.attempt(client, policy);
  const settle = async (client: string, name: string | null, missed: boolean) =>
    await entrypoints.Limits.settle(client, policy, name ?? "", missed);

  it("gives as many places as there are, to however many guess at once, and each back that was none", async () => {
    const taken = await Promise.all(Array.from({ length: 100 }, () => attempt("address a")));
    const places = taken.filter((one) => one.attempt !== null);
    expect(places).toHaveLength(10);
    // Places that may come back are worth coming back for at once.
    expect(taken.find((one) => one.attempt === null)?.decision).toMatchObject({ allowed: false, resetSeconds: 1 });
    for (const { attempt: name } of places.slice(0, 4)) await settle("address a", name, false);
    for (const { attempt: name } of places.slice(4)) await settle("address a", name, true);
    const again = await Promise.all(Array.from({ length: 100 }, () => attempt("address a")));
    expect(again.filter((one) => one.attempt !== null)).toHaveLength(4);
  });

  it("keeps a miss for a minute, also through an eviction, and a place that nobody settled", async () => {
    for (let miss = 0; miss < 9; miss += 1) await settle("address b", (await attempt("address b")).attempt, true);
    passTime(10_000);
    expect((await attempt("address b")).attempt).not.toBeNull();
    await evictShards();
    expect((await attempt("address b")).decision).toMatchObject({ allowed: false });
    passTime(49_999);
    expect((await attempt("address b")).attempt).toBeNull();
    passTime(1);
    expect((await attempt("address b")).decision).toMatchObject({ allowed: true, remaining: 8 });
  });

  it("says when the first miss leaves the window", async () => {
    for (let miss = 0; miss < 10; miss += 1) await settle("address c", (await attempt("address c")).attempt, true);
    passTime(20_000);
    expect((await attempt("address c")).decision).toEqual({
      allowed: false,
      limit: 10,
      remaining: 0,
      resetSeconds: 40,
    });
  });

  it("gives back no place twice, nor another's, nor by a name that is none", async () => {
    const places = await Promise.all(Array.from({ length: 10 }, () => attempt("address d")));
    const [first] = places;
    for (let time = 0; time < 3; time += 1) await settle("address d", first?.attempt ?? null, false);
    await settle("address e", places[1]?.attempt ?? null, false);
    expect((await attempt("address d")).attempt).not.toBeNull();
    expect((await attempt("address d")).attempt).toBeNull();
    await expect(settle("address d", "%", false)).rejects.toThrow(RangeError);
  });

  it("are swept like everything else", async () => {
    await attempt("address f");
    expect(await rows("attempts")).not.toEqual([]);
    await sweepAll();
    expect(await rows("attempts")).toEqual([]);
    expect(await rows()).toEqual([]);
    for (const shard of await shards()) expect(await runDurableObjectAlarm(shard)).toBe(false);
  });
});

describe("EnrollmentLimits", () => {
  const newCode = () => makeId("enrollmentCode", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  const consumeCode = async (code: EnrollmentCodeId, perMinute: number) =>
    await entrypoints.EnrollmentLimits.consume(code, perMinute);

  it("counts devices of one code exactly, and more of them once the code allows more", async () => {
    const [code, other] = [newCode(), newCode()];
    const answers = await Promise.all(Array.from({ length: 50 }, () => consumeCode(code, 10)));
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(10);
    const rollout = await Promise.all(Array.from({ length: 700 }, () => consumeCode(code, 600)));
    expect(rollout.filter(({ allowed }) => allowed)).toHaveLength(590);
    // The window is over: what came in it still counts.
    expect(await consumeCode(code, 10)).toMatchObject({ allowed: false });
    expect(await consumeCode(other, 10)).toMatchObject({ allowed: true, remaining: 9 });
  });

  it("counts nothing but codes", async () => {
    for (const name of ["", "user usr_x", makeId("user", Date.now(), new Uint8Array(10))])
      await expect(consumeCode(name as EnrollmentCodeId, 10)).rejects.toThrow(RangeError);
  });
});
