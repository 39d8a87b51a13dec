import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sql } from "../../../store/connect.ts";
import { rawMeans, rolledUpMeans } from "../../../store/tenant/telemetry.ts";
import { type FreshTenant, freshTenant } from "../support.ts";
import { newDeviceId } from "./support.ts";
import {
  asOwner,
  hourMs,
  midnight,
  minuteMs,
  openJob,
  plainModel,
  rolledUp,
  rollUp,
  type Sample,
  store,
} from "./telemetry-kit.ts";

const marked = async (tenant: FreshTenant): Promise<number> =>
  (await tenant.run("system", null, sql`SELECT FROM telemetry_dirty`))[0]?.length ?? 0;

describe("roll-ups", () => {
  let tenant: FreshTenant;
  const device = newDeviceId();
  const noon = midnight(2) + 12 * hourMs;
  const sample = (id: string, atMs: number, cpu: number): Sample => ({ device, id, atMs, metrics: { cpu } });
  beforeEach(async () => {
    tenant = await freshTenant();
  });

  it("count every sample of an hour that is over once; an hour that is not over is left alone", async () => {
    const over = [sample("a", noon, 1), sample("b", noon + minuteMs - 1, 4), sample("c", noon + hourMs, 7)];
    await store(tenant, [...over, sample("now", Date.now(), 9)]);
    expect(await rollUp(tenant)).toBe(2);
    expect(await rolledUp(tenant, "minute")).toEqual(plainModel(over, "minute"));
    expect(await rolledUp(tenant, "hour")).toEqual(plainModel(over, "hour"));
    expect(await rollUp(tenant)).toBe(0);
    expect(await marked(tenant)).toBe(1);
  });

  it("take in a late sample, and are not touched by one that is sent again", async () => {
    const first = [sample("a", noon, 1), sample("b", noon + 5 * minuteMs, 2), sample("c", noon + 2 * hourMs, 3)];
    await store(tenant, first);
    await rollUp(tenant);
    await store(tenant, first);
    expect(await marked(tenant)).toBe(0);
    const late = sample("late", noon + 5 * minuteMs + 1, -8);
    await store(tenant, [late, ...first]);
    expect(await rollUp(tenant)).toBe(1);
    for (const resolution of ["minute", "hour"] as const)
      expect(await rolledUp(tenant, resolution)).toEqual(plainModel([...first, late], resolution));
  });

  it("wait for a batch that is under way, and take it in afterwards", async () => {
    await store(tenant, [sample("a", noon, 1)]);
    const batch = await openJob(tenant);
    const given = { device, sample: "b", at_ms: noon + 1, received_ms: Date.now(), metrics: { cpu: 2 } };
    await batch.query("SELECT telemetry_store($1::json)", [JSON.stringify([given])]);
    // The batch holds the hour's mark: this run leaves it out.
    expect(await rollUp(tenant)).toBe(0);
    await batch.commit();
    expect(await rollUp(tenant)).toBe(1);
    expect(await rolledUp(tenant, "hour")).toEqual(
      plainModel([sample("a", noon, 1), sample("b", noon + 1, 2)], "hour"),
    );
  });

  it("are marked anew by a batch that came while they were made", async () => {
    await store(tenant, [sample("a", noon, 1)]);
    const job = await openJob(tenant);
    await job.query("SELECT telemetry_roll_up(10)");
    const late = store(tenant, [sample("b", noon + 1, 2)]);
    // The batch waits for the job's lock on the mark, or begins after it: either way it marks the hour again.
    await job.commit();
    expect(await late).toMatchObject({ stored: 1 });
    expect(await marked(tenant)).toBe(1);
    await rollUp(tenant);
    expect(await rolledUp(tenant, "hour")).toEqual(
      plainModel([sample("a", noon, 1), sample("b", noon + 1, 2)], "hour"),
    );
  });

  it("keep sums that no float holds, so that a mean of them is the samples' to the last digit", async () => {
    const huge = [Number.MAX_VALUE, Number.MAX_VALUE, Number.MIN_VALUE, 0.1, 0.2, -0.3];
    await store(
      tenant,
      huge.map((value, index) => sample(`s${index}`, noon + index * minuteMs, value)),
    );
    await rollUp(tenant);
    const range = { fromMs: noon, toMs: noon + hourMs, stepSeconds: 3600 };
    const [exact, minutes, hours] = await tenant.run(
      "owner",
      null,
      sql`SELECT metrics::text FROM (${rawMeans(device, range)}) q`,
      sql`SELECT metrics::text FROM (${rolledUpMeans(device, { ...range, resolution: "minute" })}) q`,
      sql`SELECT metrics::text FROM (${rolledUpMeans(device, { ...range, resolution: "hour" })}) q`,
    );
    expect(exact).toHaveLength(1);
    expect(minutes).toEqual(exact);
    expect(hours).toEqual(exact);
  });
});

describe("roll-ups and charts against a plain model", () => {
  const devices = [newDeviceId(), newDeviceId()];
  /** Two hours on either side of a midnight, so that samples lie in two partitions and two day rows. */
  const startMs = midnight(2) - 2 * hourMs;
  const spanMs = 4 * hourMs;
  /** Quarters add up exactly in a double, so that the model needs no other arithmetic. */
  const quarter = fc.integer({ min: -4_000_000, max: 4_000_000 }).map((value) => value / 4);
  const metrics = fc.dictionary(fc.constantFrom("cpu", "disk", "battery"), quarter, { minKeys: 0, maxKeys: 3 });
  const sampleOf = fc.record({ device: fc.constantFrom(...devices), id: fc.nat(1e9), at: fc.nat(spanMs - 1), metrics });
  /** What happens: a batch (of samples by number, so that the same come again and out of order), a run, a kill. */
  const event = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant("batch" as const), picks: fc.array(fc.nat(59), { maxLength: 12 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("run" as const), most: fc.integer({ min: 1, max: 4 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("killed run" as const), most: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("killed batch" as const),
        picks: fc.array(fc.nat(59), { maxLength: 6 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("chart" as const),
        resolution: fc.constantFrom("minute" as const, "hour" as const),
      }),
    },
  );
  const story = fc.record({
    samples: fc.uniqueArray(sampleOf, { minLength: 1, maxLength: 60, selector: ({ id }) => id }),
    events: fc.array(event, { minLength: 1, maxLength: 14 }),
  });
  let tenant: FreshTenant;
  beforeAll(async () => {
    tenant = await freshTenant();
  });

  const chart = async (resolution: "minute" | "hour") => {
    const range = { fromMs: startMs, toMs: startMs + spanMs, stepSeconds: resolution === "minute" ? 60 : 3600 };
    return tenant.run("owner", null, ...devices.map((device) => rolledUpMeans(device, { ...range, resolution })));
  };
  const expectedChart = (stored: readonly Sample[], resolution: "minute" | "hour") =>
    devices.map((device) => {
      const buckets = new Map<number, { samples: number; metrics: Record<string, number> }>();
      for (const [of, metric, atMs, count, sum] of plainModel(stored, resolution)) {
        if (of !== device) continue;
        const bucket = buckets.get(atMs) ?? { samples: 0, metrics: {} };
        if (metric === "") bucket.samples = count;
        else bucket.metrics[metric] = (sum as number) / count;
        buckets.set(atMs, bucket);
      }
      return [...buckets].sort(([a], [b]) => a - b).map(([atMs, bucket]) => ({ bucket: new Date(atMs), ...bucket }));
    });
  const close = (rows: unknown) =>
    JSON.parse(JSON.stringify(rows), (_, value: unknown) =>
      typeof value === "number" ? Number(value.toPrecision(12)) : value,
    );

  it("say of any samples, in any order, sent again, late, with runs and kills between, what the samples say", async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ samples, events }) => {
        await empty(tenant);
        const all = samples.map(
          ({ device, id, at, metrics }): Sample => ({ device, id: `s${id}`, atMs: startMs + at, metrics }),
        );
        const stored = new Map<string, Sample>();
        const picked = (picks: readonly number[]) => picks.flatMap((pick) => all[pick % all.length] ?? []);
        for (const happening of events) {
          if (happening.kind === "batch") {
            const batch = picked(happening.picks);
            await store(tenant, batch);
            for (const sample of batch) stored.set(sample.id, sample);
          } else if (happening.kind === "run") await rollUp(tenant, happening.most);
          else if (happening.kind === "chart")
            expect(close(await chart(happening.resolution))).toEqual(
              close(expectedChart([...stored.values()], happening.resolution)),
            );
          else {
            const job = await openJob(tenant);
            if (happening.kind === "killed run") await job.query("SELECT telemetry_roll_up($1)", [happening.most]);
            else {
              const rows = picked(happening.picks).map(({ device, id, atMs, metrics }) => {
                return { device, sample: id, at_ms: atMs, received_ms: Date.now(), metrics };
              });
              await job.query("SELECT telemetry_store($1::json)", [JSON.stringify(rows)]);
            }
            await job.kill();
          }
        }
        while ((await rollUp(tenant, 3)) > 0);
        for (const resolution of ["minute", "hour"] as const)
          expect(await rolledUp(tenant, resolution)).toEqual(plainModel(stored.values(), resolution));
      }),
      { numRuns: 40 },
    );
  }, 600_000);
});

/** As if nothing had come yet; a tenant for each story would be most of the test's time. */
async function empty(tenant: FreshTenant): Promise<void> {
  const tables = ["telemetry", "telemetry_minutes", "telemetry_hours", "telemetry_dirty"];
  await asOwner(tenant, `TRUNCATE ${tables.map((table) => `{schema}.${table}`).join(", ")}`);
}
