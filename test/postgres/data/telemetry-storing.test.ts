import { beforeEach, describe, expect, it } from "vitest";
import { sql } from "../../../store/connect.ts";
import { type FreshTenant, freshTenant } from "../support.ts";
import { newDeviceId } from "./support.ts";
import {
  asOwner,
  dayMs,
  dayPartition,
  hourMs,
  midnight,
  minuteMs,
  partitions,
  type Sample,
  store,
} from "./telemetry-kit.ts";

let tenant: FreshTenant;
const device = newDeviceId();
beforeEach(async () => {
  tenant = await freshTenant();
});

const sample = (id: string, atMs: number, over: Partial<Sample> = {}): Sample => ({
  device,
  id,
  atMs,
  metrics: { cpu_percent: 1 },
  ...over,
});
const kept = async (): Promise<[string, number][]> => {
  const [rows] = await tenant.run("system", null, sql`SELECT sample_id, at FROM telemetry ORDER BY at, sample_id`);
  return (rows ?? []).map((row) => [String(row["sample_id"]), (row["at"] as Date).getTime()]);
};

describe("a day's partition", () => {
  it("is made when its first sample comes, and only then", async () => {
    expect(await partitions(tenant, "telemetry")).toEqual([]);
    await store(tenant, [sample("a", midnight(3) + 1), sample("b", midnight(3) + 2), sample("c", midnight(1))]);
    expect(await partitions(tenant, "telemetry")).toEqual([dayPartition(midnight(3)), dayPartition(midnight(1))]);
  });

  it("is made once by batches that need it at the same moment", async () => {
    const batches = Array.from({ length: 8 }, (_, index) => [sample(`s${index}`, midnight(2) + index)]);
    const counts = await Promise.all(batches.map((batch) => store(tenant, batch)));
    expect(counts.map(({ stored }) => stored)).toEqual(batches.map(() => 1));
    expect(await partitions(tenant, "telemetry")).toEqual([dayPartition(midnight(2))]);
  });
});

describe("a sample that is delivered again", () => {
  it("is stored once, on both sides of midnight, whatever the order and the batch", async () => {
    const before = sample("before", midnight(1) - 1);
    const after = sample("after", midnight(1));
    expect(await store(tenant, [after, before, after])).toMatchObject({ stored: 2 });
    expect(await store(tenant, [before, after])).toMatchObject({ stored: 0 });
    expect(await store(tenant, [before])).toMatchObject({ stored: 0 });
    expect(await kept()).toEqual([
      ["before", midnight(1) - 1],
      ["after", midnight(1)],
    ]);
  });

  it("at a later arrival is the same sample", async () => {
    const at = Date.now() - hourMs;
    await store(tenant, [sample("a", at, { receivedMs: at + 10 })]);
    expect(await store(tenant, [sample("a", at, { receivedMs: at + minuteMs })])).toMatchObject({ stored: 0 });
    expect(await kept()).toHaveLength(1);
  });
});

describe("a device that lies about time", () => {
  it("is believed up to a day ahead, and beyond that its sample has the time of its arrival", async () => {
    const receivedMs = Date.now() - minuteMs;
    const counts = await store(tenant, [
      sample("fast", receivedMs + dayMs, { receivedMs }),
      sample("liar", receivedMs + dayMs + 1, { receivedMs }),
      sample("year 9999", Date.UTC(9999, 11, 31), { receivedMs }),
    ]);
    expect(counts).toEqual({ stored: 3, tooOld: 0, retimed: 2 });
    expect(await kept()).toEqual([
      ["liar", receivedMs],
      ["year 9999", receivedMs],
      ["fast", receivedMs + dayMs],
    ]);
  });

  it("makes no partition but those of the days on which it may be believed", async () => {
    const claims = [1, 2, 10, 100, 10_000].map((days) => sample(`+${days}`, Date.now() + days * dayMs + minuteMs));
    await store(tenant, [...claims, sample("-40", Date.now() - 40 * dayMs), sample("year 0", Date.UTC(0, 0, 1))]);
    expect(await partitions(tenant, "telemetry")).toEqual([dayPartition(Date.now())]);
  });

  it("has such a sample stored once: sent again, in one batch or another, or when its time has come", async () => {
    const atMs = Date.now() + 2 * dayMs;
    const receivedMs = Date.now() - hourMs;
    await store(tenant, [sample("a", atMs, { receivedMs }), sample("a", atMs, { receivedMs: receivedMs + 5 })]);
    await store(tenant, [sample("a", atMs, { receivedMs: receivedMs + minuteMs })]);
    // As if two days had gone by since it came.
    await store(tenant, [sample("a", atMs, { receivedMs: atMs + minuteMs })]);
    expect(await kept()).toEqual([["a", receivedMs]]);
  });

  it("gets nothing stored that is as old as what is dropped next, however often it tries", async () => {
    const oldest = Date.now() - 28 * dayMs;
    const old = sample("old", oldest - minuteMs);
    expect(await store(tenant, [old, sample("young", oldest + minuteMs)])).toEqual({
      stored: 1,
      tooOld: 1,
      retimed: 0,
    });
    expect(await store(tenant, [old])).toEqual({ stored: 0, tooOld: 1, retimed: 0 });
    // The hub's own record may be old as well: an outbox that could not drain for a month.
    const late = sample("late", oldest + 2 * dayMs, { receivedMs: oldest - dayMs });
    expect(await store(tenant, [late])).toEqual({ stored: 0, tooOld: 1, retimed: 0 });
  });
});

describe("samples from before there were partitions", () => {
  it("are moved, each once and at a time that can be believed; those of removed devices are dropped", async () => {
    // The table as it was left by version 2, with what it held.
    await asOwner(
      tenant,
      `CREATE TABLE {schema}.telemetry_unmoved (device_id text, sample_id text, at timestamptz, received_at timestamptz,
         metrics jsonb, PRIMARY KEY (device_id, sample_id));
       ALTER TABLE {schema}.telemetry_unmoved OWNER TO sentinel_provisioner;
       INSERT INTO {schema}.enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
         VALUES ('enc_${"0".repeat(26)}', repeat('0', 64), 'x', now(), 1, 'usr');
       INSERT INTO {schema}.devices (id, name, platform, token_sha256, enrollment_code_id)
         VALUES ('${device}', 'x', 'x', repeat('0', 64), 'enc_${"0".repeat(26)}');
       INSERT INTO {schema}.telemetry_unmoved
         SELECT '${device}', 's' || n, now() - n * interval '1 hour', now() - n * interval '1 hour', '{"cpu_percent": 1}'
         FROM generate_series(1, 100) n;
       INSERT INTO {schema}.telemetry_unmoved VALUES
         ('${device}', 'ahead', '9999-01-01Z', now() - interval '3 days', '{}'),
         ('${newDeviceId()}', 's', now(), now(), '{}')`,
    );
    const move = async () => (await tenant.run("system", null, sql`SELECT telemetry_move(40) AS n`))[0]?.[0]?.["n"];
    const moved = [await move(), await move()];
    // Meanwhile the device goes on, and one of what is moved is sent again.
    await store(tenant, [sample("new", Date.now())]);
    expect([...moved, await move(), await move()]).toEqual([40, 40, 22, 0]);
    const times = await kept();
    expect(times).toHaveLength(102);
    expect(times.find(([id]) => id === "ahead")?.[1]).toBeLessThan(Date.now());
    expect(await asOwner(tenant, "SELECT to_regclass('{schema}.telemetry_unmoved') AS gone")).toEqual([{ gone: null }]);
    expect(await move()).toBe(0);
  });
});
