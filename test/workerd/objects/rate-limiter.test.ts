import { evictDurableObject, listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it } from "vitest";
import type { RateLimiter } from "../../../durable-objects/rate-limiter/rate-limiter.ts";
import { entrypoints, objects, passTime, stopClock } from "./harness.ts";

beforeAll(stopClock);

const windowMs = 60_000;
const consume = async (key: string, limit: number) => await entrypoints.Limits.consume(key, limit, windowMs);
const shards = async (): Promise<DurableObjectStub<RateLimiter>[]> =>
  (await listDurableObjectIds(objects.RATE_LIMITER)).map((id) => objects.RATE_LIMITER.get(id));

const lease = async (key: string, limit: number, permits: number) =>
  await entrypoints.Limits.lease(key, limit, windowMs, permits);
const rows = async () => {
  const all = await Promise.all(
    (await shards()).map((shard) =>
      runInDurableObject(shard, (_instance, state) => state.storage.sql.exec("SELECT * FROM hits").toArray()),
    ),
  );
  return all.flat();
};

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
    expect((await consume("default usr_a", 5)).allowed).toBe(false);
    passTime(1);
    expect((await consume("default usr_a", 5)).allowed).toBe(true);
    // Exactly one left the window, so exactly one more was allowed.
    expect((await consume("default usr_a", 5)).allowed).toBe(false);
  });

  it("counts concurrent requests exactly", async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => consume("default usr_b", 7)));
    expect(answers.filter((answer) => answer.allowed)).toHaveLength(7);
  });

  it("counts each key by itself", async () => {
    expect((await consume("sign_in 203.0.113.1", 1)).allowed).toBe(true);
    expect((await consume("sign_in 203.0.113.1", 1)).allowed).toBe(false);
    expect((await consume("sign_in 203.0.113.2", 1)).allowed).toBe(true);
  });

  it("forgets nothing when its objects are evicted", async () => {
    for (let request = 0; request < 3; request += 1) expect((await consume("default usr_c", 3)).allowed).toBe(true);
    await evictShards();
    expect((await consume("default usr_c", 3)).allowed).toBe(false);
  });

  it("stores no address and nothing for refused requests, and deletes what has expired", async () => {
    for (let request = 0; request < 20; request += 1) await consume("sign_in 198.51.100.77", 2);
    expect(JSON.stringify(await rows())).not.toContain("198.51.100.77");
    const before = (await rows()).length;
    await consume("sign_in 198.51.100.77", 2);
    expect(await rows()).toHaveLength(before);
    passTime(windowMs);
    for (const shard of await shards()) await runDurableObjectAlarm(shard);
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
    const wrong: [string, number, number][] = [
      ["", 1, windowMs],
      ["k".repeat(257), 1, windowMs],
      ["k", 0, windowMs],
      ["k", 1.5, windowMs],
      ["k", 1, 0],
      ["k", 1, 3600_001],
    ];
    for (const [key, limit, window] of wrong) {
      await expect((async () => await entrypoints.Limits.consume(key, limit, window))()).rejects.toThrow(RangeError);
    }
    for (const permits of [0, -1, 1.5, 257, Number.NaN])
      await expect(lease("k", 1, permits)).rejects.toThrow(RangeError);
  });
});
