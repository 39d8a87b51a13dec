import { beforeEach, describe, expect, it } from "vitest";
import type { DeviceId } from "../../../core/ids.ts";
import { makeId } from "../../../core/ids.ts";
import { sql } from "../../../store/connect.ts";
import { connect, type FreshTenant, freshTenant } from "../support.ts";
import { newDeviceId } from "./support.ts";
import {
  asOwner,
  dayMs,
  dayPartition,
  hourMs,
  midnight,
  partitions,
  plainModel,
  retain,
  rolledUp,
  rollUp,
  type Sample,
  store,
  sweep,
} from "./telemetry-kit.ts";

let tenant: FreshTenant;
const device = newDeviceId();
beforeEach(async () => {
  tenant = await freshTenant();
});
const sample = (id: string, atMs: number, of = device): Sample => ({ device: of, id, atMs, metrics: { cpu: 2 } });
const keep = (days: Readonly<Record<string, number>>) =>
  asOwner(
    tenant,
    `UPDATE {schema}.telemetry_policy SET ${Object.entries(days)
      .map(([name, value]) => `${name} = ${value}`)
      .join(", ")}`,
  );
const count = async (table: "telemetry" | "telemetry_minutes" | "telemetry_hours"): Promise<number> =>
  Number((await asOwner(tenant, `SELECT count(*) AS n FROM {schema}.${table}`))[0]?.["n"]);

describe("retention", () => {
  it("drops the days that are wholly older than the policy keeps, and no row that is younger", async () => {
    const days = Array.from({ length: 12 }, (_, index) => index + 1);
    const samples = days.flatMap((day) => [
      sample(`first ${day}`, midnight(day)),
      sample(`last ${day}`, midnight(day - 1) - 1),
    ]);
    await store(tenant, samples);
    await rollUp(tenant);
    expect(await retain(tenant)).toBe(0);
    await keep({ raw_days: 7 });
    const begins = Date.now() - 7 * dayMs;
    await retain(tenant);
    const [rows] = await tenant.run("system", null, sql`SELECT at FROM telemetry`);
    const kept = (rows ?? []).map((row) => (row["at"] as Date).getTime());
    // All that is young enough, and of what is older only the rest of the day on which the line falls.
    const expected = samples.map(({ atMs }) => atMs).filter((atMs) => atMs >= Math.floor(begins / dayMs) * dayMs);
    expect(kept.sort()).toEqual(expected.sort());
    expect(await partitions(tenant, "telemetry")).toHaveLength(7);
    // What was rolled up of the dropped days stays.
    expect(await rolledUp(tenant, "hour")).toEqual(plainModel(samples, "hour"));
    expect(await retain(tenant)).toBe(0);
  });

  it("leaves a day of which an hour waits to be rolled up", async () => {
    await store(tenant, [sample("a", midnight(20)), sample("b", midnight(21))]);
    await rollUp(tenant, 1);
    await keep({ raw_days: 7 });
    expect(await retain(tenant)).toBe(1);
    expect(await partitions(tenant, "telemetry")).toEqual([dayPartition(midnight(20))]);
    await rollUp(tenant);
    expect(await retain(tenant)).toBe(1);
  });

  it("takes no sample of a dropped day afterwards, however long a later policy keeps them", async () => {
    const first = [sample("a", midnight(20)), sample("b", midnight(20) + 1)];
    await store(tenant, first);
    await rollUp(tenant);
    await keep({ raw_days: 7 });
    await retain(tenant);
    await keep({ raw_days: 60 });
    expect(await store(tenant, [sample("late", midnight(20) + 2)])).toMatchObject({ stored: 0, tooOld: 1 });
    await rollUp(tenant);
    expect(await rolledUp(tenant, "hour")).toEqual(plainModel(first, "hour"));
  });

  it("drops minutes by the month and hours by the year", async () => {
    const parts = [
      ["telemetry_minutes", "telemetry_minutes_m202001", "2020-01-01", "2020-02-01"],
      ["telemetry_hours", "telemetry_hours_y2020", "2020-01-01", "2021-01-01"],
    ];
    await store(tenant, [sample("a", Date.now() - 3 * hourMs)]);
    await rollUp(tenant);
    for (const [parent, part, from, to] of parts)
      await asOwner(tenant, `SELECT {schema}.telemetry_partition('${parent}', '${part}', '${from}Z', '${to}Z')`);
    expect(await retain(tenant)).toBe(2);
    expect(await count("telemetry_minutes")).toBe(2);
    expect(await count("telemetry_hours")).toBe(2);
    expect(await partitions(tenant, "telemetry_minutes")).not.toContain("telemetry_minutes_m202001");
    expect(await partitions(tenant, "telemetry_hours")).toHaveLength(1);
  });

  it("waits for nobody who reads: what is in use is dropped by a later run", async () => {
    await store(tenant, [sample("a", midnight(20))]);
    await rollUp(tenant);
    await keep({ raw_days: 7 });
    const reader = await connect(tenant.url);
    await reader.query("BEGIN");
    await reader.query("SELECT * FROM telemetry");
    expect(await retain(tenant)).toBe(0);
    await reader.query("ROLLBACK");
    await reader.end();
    expect(await retain(tenant)).toBe(1);
  });

  it("keeps no less than a chart may count on", async () => {
    for (const days of [{ raw_days: 6 }, { minute_days: 59 }, { hour_days: 364 }, { raw_days: 200 }])
      await expect(keep(days)).rejects.toMatchObject({ code: "23514" });
  });
});

describe("what a removed device leaves", () => {
  const code = makeId("enrollmentCode", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  const enrol = async (id: DeviceId): Promise<void> => {
    await asOwner(
      tenant,
      `INSERT INTO {schema}.enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
       VALUES ($1, repeat('0', 64), 'x', now(), 1, 'usr') ON CONFLICT DO NOTHING`,
      [code],
    );
    await asOwner(
      tenant,
      `INSERT INTO {schema}.devices (id, name, platform, token_sha256, enrollment_code_id) VALUES ($1, 'x', 'x', repeat('0', 64), $2)`,
      [id, code],
    );
  };
  const remove = (id: DeviceId) => tenant.run("owner", null, sql`DELETE FROM devices WHERE id = ${id}`);
  const devicesOf = async (table: string): Promise<unknown[]> =>
    (await asOwner(tenant, `SELECT DISTINCT device_id FROM {schema}.${table}`)).map((row) => row["device_id"]);

  it("is swept in bounded steps, wherever it lies, and nothing of another device", async () => {
    const gone = newDeviceId();
    await enrol(gone);
    await enrol(device);
    for (const of of [gone, device]) {
      const past = Array.from({ length: 30 }, (_, index) => sample(`s${index}`, midnight(3) + index * 2 * hourMs, of));
      await store(tenant, [...past, sample("now", Date.now(), of), sample("liar", Date.now() + 9 * dayMs, of)]);
    }
    await rollUp(tenant);
    await remove(gone);
    expect(await sweep(tenant, 10)).toBe(10);
    while ((await sweep(tenant, 10)) === 10);
    for (const table of ["telemetry", "telemetry_minutes", "telemetry_hours", "telemetry_dirty", "telemetry_retimed"])
      expect(await devicesOf(table), table).toEqual([device]);
    expect(await count("telemetry")).toBe(32);
  });

  it("grows no more: what it sent before and arrives after is not stored", async () => {
    await enrol(device);
    await remove(device);
    expect(await store(tenant, [sample("late", Date.now() - hourMs)])).toMatchObject({ stored: 0 });
    expect(await count("telemetry")).toBe(0);
  });

  it("is swept again an hour later, for what was under way at the time", async () => {
    await enrol(device);
    const other = newDeviceId();
    await store(tenant, [sample("a", Date.now() - hourMs), sample("b", Date.now() - hourMs, other)]);
    await remove(device);
    await sweep(tenant);
    // As a batch leaves it that had looked before the removal and was committed after the sweep.
    await asOwner(
      tenant,
      `INSERT INTO {schema}.telemetry SELECT '${device}', sample_id, at, received_at, metrics FROM {schema}.telemetry`,
    );
    expect(await sweep(tenant)).toBe(0);
    await asOwner(
      tenant,
      "UPDATE {schema}.telemetry_removed SET removed_at = removed_at - interval '61 minutes', swept_at = removed_at - interval '60 minutes 30 seconds'",
    );
    expect(await sweep(tenant)).toBe(1);
    expect(await devicesOf("telemetry")).toEqual([other]);
    expect(await sweep(tenant)).toBe(0);
  });
});
