import { beforeAll, describe, expect, it } from "vitest";
import { readMigrations } from "../../../scripts/migrate/files.ts";
import { NoSuchCanary } from "../../../scripts/migrate/tenants/canary.ts";
import type { TenantOutcome } from "../../../scripts/migrate/tenants/one-tenant.ts";
import type { PlannedTenant } from "../../../scripts/migrate/tenants/plan.ts";
import { isComplete, migrateTenants, type TenantRunOptions } from "../../../scripts/migrate/tenants/run.ts";
import { sql } from "../../../store/connect.ts";
import { nextMigration, withLaterMigrations } from "../../support/later-migrations.ts";
import { type PlacementDatabases, runOn } from "../../support/placement-databases.ts";
import { connect, newOrgId } from "../support.ts";
import { asProvisioner, makeTenants, twoPlacements, versions } from "./migrations-kit.ts";

const last = readMigrations("tenant").length;
let world: PlacementDatabases;
beforeAll(async () => {
  world = await twoPlacements();
});

/** A run, with the tenants in the order in which they ended. */
async function run(options: Partial<TenantRunOptions> & Pick<TenantRunOptions, "migrations">) {
  const ended: { tenant: PlannedTenant; outcome: TenantOutcome }[] = [];
  const result = await migrateTenants({
    placements: world.urls,
    progress: { planned: () => undefined, outcome: (tenant, outcome) => ended.push({ tenant, outcome }) },
    pause: async () => undefined,
    ...options,
  });
  return { result, ended };
}

describe("a run over every tenant", () => {
  it("brings tenants of every placement to the newest migration, keeps what they hold, and has nothing left to do", async () => {
    world = await twoPlacements();
    const tenants = await makeTenants(world, 6);
    expect(new Set(tenants.map(({ placement }) => placement)).size).toBe(2);
    for (const tenant of tenants)
      await tenant.run("system", sql`INSERT INTO operation_receipts (request_id) VALUES ('kept')`);
    const { result } = await run({ migrations: withLaterMigrations(2) });
    expect(result).toMatchObject({ migrated: 6, current: 0, failed: [], blocked: [], stopped: null, untried: 0 });
    for (const tenant of tenants) {
      expect(await versions(world, tenant)).toEqual({ truth: last + 2, index: last + 2 });
      expect(
        await tenant.run("owner", sql`SELECT request_id FROM operation_receipts`, sql`SELECT id FROM test_sites`),
      ).toEqual([[{ request_id: "kept" }], []]);
    }
    const again = await run({ migrations: withLaterMigrations(2) });
    expect(again.result).toMatchObject({ migrated: 0, current: 6 });
    expect(isComplete(again.result)).toBe(true);
  });

  it("begins with the canary that was named, alone", async () => {
    const tenants = await makeTenants(world, 3);
    const canary = tenants[1]!;
    const { ended } = await run({ migrations: withLaterMigrations(3), canary: canary.org });
    expect(ended[0]!.tenant.org).toBe(canary.org);
    await expect(run({ migrations: withLaterMigrations(3), canary: newOrgId() })).resolves.toBeDefined();
  });

  it("begins with the tenant whose audit log has been quiet for longest when none was named", async () => {
    world = await twoPlacements();
    const tenants = await makeTenants(world, 4);
    for (const [index, { org, url }] of tenants.entries())
      await runOn(
        url,
        `INSERT INTO audit.events (log, seq, occurred_at, request_id, phase, type, leaf_json, leaf_hash)
         VALUES ($1, 1, $2, 'r', 'event', 'login', '{}', encode(sha256('\\x00'::bytea || '{}'::bytea), 'hex'))`,
        [org, `2026-0${index === 2 ? 1 : 5}-01T00:00:00Z`],
      );
    const { ended } = await run({ migrations: withLaterMigrations(1) });
    expect(ended[0]!.tenant.org).toBe(tenants[2]!.org);
  });

  it("refuses a canary that has nothing pending while others have", async () => {
    await makeTenants(world, 1);
    const options = { migrations: withLaterMigrations(1), canary: newOrgId() };
    await expect(run(options)).rejects.toBeInstanceOf(NoSuchCanary);
  });

  it("that fails on the canary touches nobody else and says which file, SQLSTATE and message", async () => {
    world = await twoPlacements();
    const tenants = await makeTenants(world, 3);
    const broken = nextMigration(last, "broken", "CREATE TABLE {{schema}}.half (i int); SELECT 1 / 0;");
    const { result } = await run({ migrations: [...readMigrations("tenant"), broken] });
    expect(result).toMatchObject({ migrated: 0, stopped: "the canary failed", untried: 2 });
    expect(result.failed).toEqual([
      expect.objectContaining({ kind: "failed", file: broken.name, code: "22012", message: "division by zero" }),
    ]);
    for (const tenant of tenants) {
      expect(await versions(world, tenant)).toEqual({ truth: last, index: last });
      expect(await asProvisioner(tenant.url, `SELECT to_regclass('${tenant.name}.half') AS half`)).toEqual([
        { half: null },
      ]);
    }
  });

  it("leaves a tenant that differs where it was, finishes the others and is not complete", async () => {
    const odd = (await makeTenants(world, 2))[0]!;
    await asProvisioner(odd.url, `CREATE TABLE ${odd.name}.test_sites (other int)`);
    const { result } = await run({ migrations: withLaterMigrations(1) });
    expect(result.failed).toEqual([
      expect.objectContaining({ org: odd.org, placement: odd.placement, code: "42P07", kind: "failed" }),
    ]);
    expect(result.stopped).toBeNull();
    expect(isComplete(result)).toBe(false);
    expect(await versions(world, odd)).toEqual({ truth: last, index: last });
    await asProvisioner(odd.url, `DROP TABLE ${odd.name}.test_sites`);
    expect((await run({ migrations: withLaterMigrations(1) })).result).toMatchObject({ migrated: 1, failed: [] });
  });

  it("refuses tenants whose history is not the beginning of this release's, before anything is touched", async () => {
    world = await twoPlacements();
    const [changed, newer] = await makeTenants(world, 2);
    await asProvisioner(changed!.url, `UPDATE ${changed!.name}.schema_migrations SET checksum = 'f' WHERE number = 1`);
    await asProvisioner(
      newer!.url,
      `INSERT INTO ${newer!.name}.schema_migrations VALUES (${last + 1}, 'x', 'y'), (${last + 2}, 'x', 'y')`,
    );
    const { result } = await run({ migrations: withLaterMigrations(1) });
    expect(result.migrated).toBe(0);
    expect(new Map(result.blocked.map(({ org, reason }) => [org, reason]))).toEqual(
      new Map([
        [changed!.org, expect.stringMatching(/was changed after it had been applied/)],
        [newer!.org, expect.stringMatching(/where 000\d_test_sites|which this release does not know|was changed/)],
      ]),
    );
    expect(isComplete(result)).toBe(false);
  });

  it("of two at once makes each tenant's migration once, and both are complete", async () => {
    world = await twoPlacements();
    const tenants = await makeTenants(world, 8);
    const both = await Promise.all([1, 2].map(() => run({ migrations: withLaterMigrations(2) })));
    expect(both.every(({ result }) => isComplete(result))).toBe(true);
    for (const tenant of tenants) expect(await versions(world, tenant)).toEqual({ truth: last + 2, index: last + 2 });
  });
});

describe("a busy tenant", () => {
  it("is left alone after a moment, blocks nobody meanwhile, and is migrated once it is free", async () => {
    world = await twoPlacements();
    const [tenant, other] = await makeTenants(world, 2);
    // A report that reads for long: it holds a lock that no ALTER can have beside it, and any reader can.
    const holder = await connect(tenant!.url);
    await holder.query(`BEGIN; SET LOCAL ROLE sentinel_provisioner; SELECT count(*) FROM ${tenant!.name}.devices`);
    let pauses = 0;
    const running = run({
      migrations: withLaterMigrations(1),
      canary: other!.org,
      pause: async () => {
        pauses += 1;
        // Between two tries nobody waits: what the API reads comes at once.
        await tenant!.run("owner", sql`SELECT id FROM devices`);
        if (pauses === 2) await holder.query("COMMIT");
      },
    });
    const { result, ended } = await running;
    await holder.end();
    expect(result).toMatchObject({ migrated: 2, failed: [] });
    const codes = ended.filter((one) => one.tenant.org === tenant!.org).map(({ outcome }) => outcome);
    expect(codes.map(({ kind }) => kind)).toEqual(["busy", "busy", "migrated"]);
    expect(codes[0]).toMatchObject({ code: "55P03" });
  });

  it("that stays busy is reported, and the next run does it", async () => {
    const [tenant] = await makeTenants(world, 1);
    const [other] = await makeTenants(world, 1);
    const holder = await connect(tenant!.url);
    await holder.query(`BEGIN; SET LOCAL ROLE sentinel_provisioner; SELECT count(*) FROM ${tenant!.name}.devices`);
    const { result } = await run({ migrations: withLaterMigrations(1), canary: other!.org });
    expect(result.failed).toEqual([expect.objectContaining({ org: tenant!.org, kind: "busy", code: "55P03" })]);
    expect(isComplete(result)).toBe(false);
    await holder.query("COMMIT");
    await holder.end();
    expect(isComplete((await run({ migrations: withLaterMigrations(1) })).result)).toBe(true);
  });

  it("never holds its locks for longer than a request waits for one", async () => {
    const [tenant] = await makeTenants(world, 1);
    const slow = nextMigration(last, "slow", "LOCK TABLE {{schema}}.devices; SELECT pg_sleep(30);");
    const { result } = await run({
      migrations: [...readMigrations("tenant"), slow],
      canary: tenant!.org,
      limits: { lockMs: 300, transactionMs: 400 },
    });
    expect(result).toMatchObject({ migrated: 0, stopped: expect.stringMatching(/busy/) });
    expect(result.failed[0]).toMatchObject({ file: slow.name, kind: "busy", code: "25P04" });
    expect(await tenant!.run("owner", sql`SELECT id FROM devices`)).toEqual([[]]);
  });
});

describe("the control plane's index", () => {
  it("is brought up to the schema's ledger after a kill between commit and record, and down after a restore", async () => {
    world = await twoPlacements();
    const [behind, ahead, absent] = await makeTenants(world, 3);
    const index = (org: string, number: number) =>
      runOn(world.urls[0].url, "UPDATE control.tenant_migrations SET number = $2 WHERE org_id = $1", [org, number]);
    await index(behind!.org, 0);
    await index(ahead!.org, last + 7);
    await runOn(world.urls[0].url, "DELETE FROM control.tenant_migrations WHERE org_id = $1", [absent!.org]);
    const { result } = await run({ migrations: readMigrations("tenant") });
    expect(result).toMatchObject({ migrated: 0, current: 3, corrected: 3 });
    for (const tenant of [behind!, ahead!, absent!])
      expect(await versions(world, tenant)).toEqual({ truth: last, index: last });
  });
});

describe("what a run may do", () => {
  it("is what the owner of tenants' schemas may, and everything it makes belongs to that role", async () => {
    world = await twoPlacements();
    const [tenant] = await makeTenants(world, 1);
    const probe = nextMigration(last, "probe", "CREATE TABLE {{schema}}.probe AS SELECT current_user::text AS who;");
    await run({ migrations: [...readMigrations("tenant"), probe] });
    expect(
      await asProvisioner(
        tenant!.url,
        `SELECT who, (SELECT relowner::regrole::text FROM pg_class WHERE oid = '${tenant!.name}.probe'::regclass) AS owner FROM ${tenant!.name}.probe`,
      ),
    ).toEqual([{ who: "sentinel_provisioner", owner: "sentinel_provisioner" }]);
    for (const sqlText of ["SELECT * FROM control.users", "SELECT * FROM audit.events", "CREATE ROLE x SUPERUSER"]) {
      const world2 = await twoPlacements();
      await makeTenants(world2, 1);
      const reach = nextMigration(last, "reach", `${sqlText};`);
      const result = await migrateTenants({
        placements: world2.urls,
        migrations: [...readMigrations("tenant"), reach],
      });
      expect(result.failed[0]).toMatchObject({ code: "42501" });
    }
  });
});
