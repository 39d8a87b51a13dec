import { createHash } from "node:crypto";
import pg from "pg";
import { readMigrations } from "../../scripts/migrate/files.ts";
import { describeTenant } from "../../scripts/migrate/schema/versions.ts";
import { quantile } from "../bench/statistics.ts";
import { runProcess } from "../support/killed-run.ts";
import { type LivedInTenant, makeTenant, moveIn } from "../support/lived-in-tenant.ts";
import { makePlacementDatabases, type PlacementDatabases, runOn } from "../support/placement-databases.ts";
import { withClusters } from "./clusters.ts";
import { between, hold, inLanes, type Progress, type SoakOptions, seededRandom } from "./part.ts";

/** As the product has it (control.placements). */
const tenantsPerPlacement = 450;
/** Tenants made at once, and migrated at once: twice the cores of the machine that this is written for. */
const lanes = 4;
/** Later migrations applied: expand, fill, require. */
const later = 3;
/** Runs that are killed before one is left alone. */
const killsCount = 5;
/** A moment between the tenant after which a run is to be killed and the kill, in milliseconds. */
const killMomentMsMax = 100;
/** Of the schemas that a kill did not leave finished, so many are described; of those that the last run did, twice that. */
const describedShare = 0.1;
const manyTenants = 10_000;

interface Seen {
  readonly truth: number;
  readonly index: number;
  /** Hash of the schema's description; null: not looked at. */
  readonly shape: string | null;
}

/**
 * Thousands of tenants on as many placements as the product would give them, moved to three later migrations by
 * runs of which most are killed. The placements are databases of the two embedded servers: each has its own
 * catalogue, as it would in a project of its own, and what they share (roles, log, cores) makes it slower, not faster.
 */
export function soakMigrations({ tenants: count, seed }: SoakOptions, progress: Progress): Promise<string> {
  const random = seededRandom(seed);
  progress.say("starting two PostgreSQL servers");
  return withClusters(async (two) => {
    const names = Array.from({ length: Math.ceil(count / tenantsPerPlacement) }, (_, index) => `soak-${index + 1}`);
    const world = await makePlacementDatabases(names as [string, ...string[]], two.clusters, two);
    const { tenants, times, seconds: makingSeconds } = await makeTenants(world, count, progress);
    const size = await bytesOf(world, tenants);

    progress.say("looking at every schema");
    const last = readMigrations("tenant").length;
    const before = await look(world, tenants, () => random() < describedShare);
    const oldShapes = new Set([...before.values()].flatMap(({ shape }) => shape ?? []));
    hold(oldShapes.size === 1, `${oldShapes.size} kinds of schema before anything was migrated`);
    const [oldShape] = oldShapes;
    let known = before;
    let [newShape, partly, migratingMs]: [string | null, number, number] = [null, 0, 0];
    for (let kill = 1; kill <= killsCount; kill += 1) {
      progress.say(`killing run ${kill} of ${killsCount}`);
      const startedAtMs = performance.now();
      const { status, output } = await runProcess(run(world), {
        // The first before anybody was touched, the others somewhere in their share of all tenants.
        tenants: kill === 1 ? 0 : between(random, 1, Math.floor(count / (killsCount + 1))),
        thenMs: between(random, 0, killMomentMsMax),
      });
      migratingMs += performance.now() - startedAtMs;
      hold(status === null || status === 0, `a run that was not killed ended with ${status}: ${output.slice(-500)}`);
      let moved = 0;
      // Everybody who moved since the last look, and some of the others, whom the kill may have hit.
      const isDescribed = (tenant: LivedInTenant, truth: number): boolean =>
        truth !== known.get(tenant)?.truth || random() < describedShare;
      const seen = await look(world, tenants, isDescribed);
      known = seen;
      for (const [{ org }, { truth, index, shape }] of seen) {
        hold(truth === last || truth === last + later, `${org} is half-way, at ${truth}`);
        hold(index <= truth, `the index says ${index} of ${org}, whose schema is at ${truth}`);
        if (truth > last) moved += 1;
        if (shape === null) continue;
        if (truth === last) hold(shape === oldShape, `${org} is at ${truth} and its schema is not`);
        else {
          newShape ??= shape;
          hold(shape === newShape, `${org} is at ${truth} and its schema differs from the others'`);
        }
      }
      if (moved > 0 && moved < count) partly += 1;
      if (status === 0) break;
    }
    hold(partly > 0, "no kill came in the midst of a run, so nothing was shown");
    progress.say("the last run, which nobody kills");
    const startedAtMs = performance.now();
    const { status, output } = await runProcess(run(world), null);
    migratingMs += performance.now() - startedAtMs;
    hold(status === 0, `the last run ended with ${status}: ${output.slice(-1000)}`);
    const isDescribed = (tenant: LivedInTenant): boolean =>
      known.get(tenant)?.truth === last && random() < 2 * describedShare;
    for (const [{ org }, { truth, index, shape }] of await look(world, tenants, isDescribed)) {
      hold(truth === last + later && index === truth, `${org} is at ${truth}, its index says ${index}`);
      hold(shape === null || shape === newShape, `${org} differs from the others`);
    }
    await keptRows(world, tenants);
    return figures({ count, placements: names.length, makingSeconds, times, size, migratingMs, partly });
  });
}

const run = (world: PlacementDatabases) => ({ placements: world.urls, later, atOnce: lanes });

async function makeTenants(world: PlacementDatabases, count: number, progress: Progress) {
  const tenants: LivedInTenant[] = [];
  const times: number[] = [];
  const startedAtMs = performance.now();
  progress.say(() => `${tenants.length} of ${count} tenants made; the last took ${times.at(-1)?.toFixed(0)} ms`);
  await inLanes(Array.from({ length: count }), lanes, async () => {
    const begunAtMs = performance.now();
    const tenant = await makeTenant(world.config);
    times.push(performance.now() - begunAtMs);
    await moveIn(world.config, tenant);
    tenants.push(tenant);
  });
  return { tenants, times, seconds: (performance.now() - startedAtMs) / 1000 };
}

/**
 * Every schema's own ledger, what the control plane's index says of it, and what the schema is.
 * @param isDescribed which schemas are looked at whole: that takes some 100 ms each
 */
async function look(
  world: PlacementDatabases,
  tenants: readonly LivedInTenant[],
  isDescribed: (tenant: LivedInTenant, truth: number) => boolean,
): Promise<Map<LivedInTenant, Seen>> {
  const seen = new Map<LivedInTenant, Seen>();
  const rows = await runOn<{ org_id: string; number: number }>(
    world.urls[0].url,
    "SELECT org_id, number FROM control.tenant_migrations",
  );
  const indexes = new Map(rows.map(({ org_id: org, number }) => [org, number]));
  for (const { name, url } of world.urls) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query("SET ROLE sentinel_provisioner; BEGIN READ ONLY");
      for (const tenant of tenants.filter(({ placement }) => placement === name)) {
        const { rows: ledger } = await client.query<{ truth: number }>(
          `SELECT max(number) AS truth FROM ${tenant.name}.schema_migrations`,
        );
        const truth = ledger[0]?.truth ?? 0;
        const lines = isDescribed(tenant, truth) ? await describeTenant(client, tenant.name) : null;
        const shape = lines === null ? null : createHash("sha256").update(lines.join("\n")).digest("hex");
        seen.set(tenant, { truth, index: indexes.get(tenant.org) ?? 0, shape });
      }
    } finally {
      await client.end();
    }
  }
  return seen;
}

/** The fill reached every row: each device has what the second file gives it, and none is gone. */
async function keptRows(world: PlacementDatabases, tenants: readonly LivedInTenant[]): Promise<void> {
  for (const { name, url } of world.urls) {
    const here = tenants.filter(({ placement }) => placement === name);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query("SET ROLE sentinel_provisioner; BEGIN");
      for (const tenant of here) {
        // Rolled back; without it the owner of the tables sees none of the rows.
        await client.query(`SAVEPOINT look; ALTER TABLE ${tenant.name}.devices NO FORCE ROW LEVEL SECURITY`);
        const { rows } = await client.query<{ all: number; filled: number }>(
          `SELECT count(*)::int AS all, count(*) FILTER (WHERE test_site = 'main')::int AS filled FROM ${tenant.name}.devices`,
        );
        await client.query("ROLLBACK TO look");
        const { all, filled } = rows[0] ?? { all: 0, filled: 0 };
        hold(all === 5 && filled === 5, `${tenant.org} has ${all} devices, ${filled} of them filled`);
      }
    } finally {
      await client.end();
    }
  }
}

/** Bytes that the placements' databases take. */
async function bytesOf(world: PlacementDatabases, tenants: readonly LivedInTenant[]): Promise<number> {
  let bytes = 0;
  for (const { url } of world.urls) {
    const [row] = await runOn<{ bytes: string }>(url, "SELECT pg_database_size(current_database()) AS bytes");
    bytes += Number(row?.bytes ?? 0);
  }
  return bytes / tenants.length;
}

interface Figures {
  readonly count: number;
  readonly placements: number;
  readonly makingSeconds: number;
  readonly times: readonly number[];
  readonly size: number;
  readonly migratingMs: number;
  readonly partly: number;
}

function figures({ count, placements, makingSeconds, times, size, migratingMs, partly }: Figures): string {
  const perSecond = count / (migratingMs / 1000);
  const many = (perTenant: number, unit: string): string => `${((perTenant * manyTenants) / 60).toFixed(0)} ${unit}`;
  return (
    `${count} tenants on ${placements} placements made in ${makingSeconds.toFixed(0)} s (${(count / makingSeconds).toFixed(1)}/s, ` +
    `each ${quantile(times, 0.5).toFixed(0)} ms, p99 ${quantile(times, 0.99).toFixed(0)}), ${(size / 1024).toFixed(0)} KiB each; ` +
    `migrated by ${later} files in ${(migratingMs / 1000).toFixed(0)} s over all runs (${perSecond.toFixed(1)}/s), ${partly} of them killed half-way: ` +
    `nobody half-migrated, the index never ahead, every row there. ${manyTenants} would take ${many(makingSeconds / count, "min")} to make, ` +
    `${many(1 / perSecond, "min")} to migrate and ${((size * manyTenants) / 2 ** 30).toFixed(1)} GiB`
  );
}
