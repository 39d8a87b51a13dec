import { beforeAll, describe, expect, it } from "vitest";
import type { DeviceId } from "../../../core/ids.ts";
import type { Telemetry } from "../../../core/rpc/capabilities.ts";
import { sql } from "../../../store/connect.ts";
import { createTenant } from "../../../workers/data/provisioner/create-tenant.ts";
import { scopeOf } from "../../support/scopes.ts";
import { newDeviceId } from "../data/support.ts";
import { asOwner, dayMs, hourMs, midnight, minuteMs, rollUp } from "../data/telemetry-kit.ts";
import { asSuperuser, dataConfig, describeTenant, type FreshTenant, newOrgId, tenantMigrations } from "../support.ts";
import { accepted, createWorld, enrolOne, ingest, owner, type World } from "./support.ts";

let world: World;
let tenant: FreshTenant;
let device: DeviceId;
const startMs = midnight(2);
const query = async (
  fromMs: number,
  toMs: number,
  stepSeconds: number,
  of = device,
  org = tenant.org,
): Promise<Telemetry> =>
  accepted(await world.devices.telemetry(await world.as(org, owner), of, { fromMs, toMs, stepSeconds }));
const at = (ms: number) => new Date(ms).toISOString();

beforeAll(async () => {
  world = await createWorld();
  tenant = await world.tenant();
  device = (await enrolOne(world, tenant.org)).id;
  const samples = Array.from({ length: 600 }, (_, index) => ({
    id: `s${index}`,
    at: at(startMs + index * 137_000),
    metrics: { cpu_percent: (index * 7) % 101, ...(index % 3 === 0 ? { disk_percent: index / 8 } : {}) },
  }));
  await ingest(tenant, device, samples);
});

describe("a chart", () => {
  it("says the same from samples, minutes and hours, before the job has been by, half-way and afterwards", async () => {
    // Three hours at a time come from samples; the day in hours comes from hours, in half hours from minutes.
    const pieces: Telemetry[] = [];
    for (let hour = 0; hour < 24; hour += 3)
      pieces.push(await query(startMs + hour * hourMs, startMs + (hour + 3) * hourMs, 1800));
    expect(new Set(pieces.map(({ resolution }) => resolution))).toEqual(new Set(["raw"]));
    const halves = pieces.flatMap(({ buckets }) => buckets);
    const ask = async () =>
      [await query(startMs, startMs + dayMs, 1800), await query(startMs, startMs + dayMs, 3600)] as const;
    const fresh = await ask();
    expect(await rollUp(tenant, 9)).toBe(9);
    const partly = await ask();
    while ((await rollUp(tenant)) > 0);
    const rolled = await ask();
    for (const [minutes, hours] of [fresh, partly, rolled]) {
      expect([minutes.resolution, hours.resolution]).toEqual(["minute", "hour"]);
      expect(minutes.buckets).toEqual(halves);
      expect(hours).toEqual(fresh[1]);
    }
    expect(fresh[1].buckets.reduce((sum, { samples }) => sum + samples, 0)).toBe(600);
  });

  it("of a range that begins between minutes says where its buckets begin, and counts what lies in them", async () => {
    const answer = await query(startMs + 30_500, startMs + 30_500 + 6 * hourMs, 60);
    expect(answer).toMatchObject({ from: at(startMs), to: at(startMs + 6 * hourMs + minuteMs), resolution: "minute" });
    expect(answer.buckets[0]).toMatchObject({ at: at(startMs), samples: 1 });
  });

  it("of days whose samples and minutes are gone is made of what is left", async () => {
    const other = (await enrolOne(world, tenant.org)).id;
    const oldMs = midnight(20);
    await ingest(tenant, other, [{ id: "a", at: at(oldMs + 90_000), metrics: { cpu_percent: 3 } }]);
    expect(await query(oldMs, oldMs + hourMs, 60, other)).toMatchObject({ resolution: "raw" });
    await rollUp(tenant);
    await asOwner(tenant, "UPDATE {schema}.telemetry_policy SET raw_days = 7");
    await tenant.run("system", null, sql`SELECT telemetry_retain()`);
    const bucket = { at: at(oldMs + minuteMs), samples: 1, metrics: { cpu_percent: 3 } };
    expect(await query(oldMs, oldMs + hourMs, 60, other)).toMatchObject({ resolution: "minute", buckets: [bucket] });
  });

  it("needs no roll-ups: a schema from before them answers from its samples", async () => {
    const org = newOrgId();
    const { placement } = await createTenant(dataConfig, scopeOf(org), tenantMigrations.slice(0, 2));
    const before = await describeTenant(org, placement);
    const id = newDeviceId();
    // As the enrolment of those days would have left it.
    const devices = `WITH code AS (
        INSERT INTO ${before.name}.enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
        VALUES ('enc_' || repeat('0', 26), repeat('0', 64), 'old', now(), 1, 'somebody') RETURNING id)
      INSERT INTO ${before.name}.devices (id, name, platform, token_sha256, enrollment_code_id)
      SELECT $1, 'old', 'linux', repeat('0', 64), id FROM code`;
    await asSuperuser(devices, [id], placement);
    await before.run(
      "system",
      null,
      sql`INSERT INTO telemetry (device_id, sample_id, at, received_at, metrics)
          VALUES (${id}, 's', ${at(startMs)}, now(), '{"cpu_percent": 4}')`,
    );
    const bucket = { at: at(startMs), samples: 1, metrics: { cpu_percent: 4 } };
    expect(await query(startMs, startMs + dayMs, 60, id, org)).toMatchObject({ resolution: "raw", buckets: [bucket] });
    await createTenant(dataConfig, scopeOf(org), tenantMigrations);
    expect(await query(startMs, startMs + dayMs, 60, id, org)).toMatchObject({
      resolution: "minute",
      buckets: [bucket],
    });
  });
});
