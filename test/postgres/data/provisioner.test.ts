import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { tenantMigrationsModule } from "../../../scripts/migrate/bundle-tenant.ts";
import { createDatabase, sql } from "../../../store/connect.ts";
import { findPlacement, NoPlacementLeft, reservePlacement } from "../../../workers/data/directory.ts";
import { createTenant } from "../../../workers/data/provisioner/create-tenant.ts";
import { provision } from "../../../workers/data/provisioner/provision.ts";
import type { TenantMigration } from "../../../workers/data/provisioner/tenant-schema.ts";
import { scopeOf } from "../../support/scopes.ts";
import {
  dataConfig,
  describeTenant,
  directoryDatabase,
  freshTenant,
  gateway,
  newOrgId,
  newRequestId,
  runAs,
  setup,
  tenantMigrations,
} from "../support.ts";
import { createDataWorld, type DataWorld, refusedBecause } from "./support.ts";

let world: DataWorld;
beforeAll(async () => {
  world = await createDataWorld();
});
const owner = (placement: string) => setup.ownerUrls[placement]!;

describe("creating a tenant", () => {
  it("makes schema, role and newest migration, for Studio's job `provision`", async () => {
    const org = newOrgId();
    const call = await world.mesh.caller("studio").asJob("data.provisioner", "provision", org, newRequestId());
    const { placement } = await provision(world.unit, call, org);
    const tenant = await describeTenant(org, placement!);
    expect(await tenant.run("system", null, sql`SELECT count(*)::int AS n FROM devices`)).toEqual([[{ n: 0 }]]);
    expect(await findPlacement(directoryDatabase, scopeOf(org))).toMatchObject({
      placement,
      ready: true,
      passwordEpoch: 1,
    });
    const [ledger] = await runAs(owner("first"), "SELECT number FROM control.tenant_migrations WHERE org_id = $1", [
      org,
    ]);
    expect(ledger).toEqual({ number: tenantMigrations.length });
  });

  it("is refused for another organisation than signed for, another job, another Worker", async () => {
    const org = newOrgId();
    const studio = world.mesh.caller("studio");
    const good = await studio.asJob("data.provisioner", "provision", org, newRequestId());
    expect(await refusedBecause(provision(world.unit, good, newOrgId()))).toBe("wrong_org");
    const enroll = await studio.asJob("data.provisioner", "enroll", org, newRequestId());
    expect(await refusedBecause(provision(world.unit, enroll, org))).toBe("wrong_job");
    const hub = await world.mesh.caller("durable-objects").asJob("data.provisioner", "provision", org, newRequestId());
    expect(await refusedBecause(provision(world.unit, hub, org))).toBe("not_granted");
    expect(await findPlacement(directoryDatabase, scopeOf(org))).toBeNull();
  });

  it("gives a role that can log in and has no other right", async () => {
    const tenant = await freshTenant();
    const [role] = await runAs(
      owner(tenant.placement),
      `SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolinherit, rolreplication, rolbypassrls, rolconnlimit,
         (SELECT setconfig FROM pg_db_role_setting s WHERE s.setrole = r.oid) AS settings,
         (SELECT array_agg(g.rolname::text || m.inherit_option || m.set_option) FROM pg_auth_members m
          JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid) AS groups,
         has_database_privilege(r.rolname, 'sentinel', 'TEMP') OR has_database_privilege(r.rolname, 'sentinel', 'CREATE')
           OR has_schema_privilege(r.rolname, r.rolname, 'CREATE') OR has_schema_privilege(r.rolname, 'public', 'USAGE') AS more
       FROM pg_roles r WHERE rolname = $1`,
      [tenant.name],
    );
    expect(role).toEqual({
      rolcanlogin: true,
      rolsuper: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolinherit: false,
      rolreplication: false,
      rolbypassrls: false,
      rolconnlimit: 20,
      settings: [
        `search_path=${tenant.name}`,
        "statement_timeout=10s",
        "lock_timeout=5s",
        "idle_in_transaction_session_timeout=30s",
      ],
      groups: ["sentinel_tenanttruefalse"],
      more: false,
    });
  });

  it("leaves every table with row-level security, and none to PUBLIC", async () => {
    const tenant = await freshTenant();
    const open = await runAs(
      setup.placements[tenant.placement]!.provisionerUrl,
      `SELECT c.relname FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
         AND ((NOT c.relrowsecurity AND has_table_privilege($1, c.oid, 'SELECT, INSERT, UPDATE, DELETE'))
           OR EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0))
       UNION ALL SELECT p.proname FROM pg_proc p WHERE p.pronamespace = $1::regnamespace
         AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0)
           OR (p.prosecdef AND p.proconfig IS NULL))`,
      [tenant.name],
    );
    expect(open).toEqual([]);
  });

  it("twice changes nothing", async () => {
    const tenant = await freshTenant();
    await tenant.run("system", null, sql`INSERT INTO operation_receipts (request_id) VALUES ('kept')`);
    expect(await createTenant(dataConfig, scopeOf(tenant.org), tenantMigrations)).toEqual({
      placement: tenant.placement,
      repaired: [],
      filled: null,
    });
    expect(await tenant.run("system", null, sql`SELECT request_id FROM operation_receipts`)).toEqual([
      [{ request_id: "kept" }],
    ]);
  });

  it("by two callers at once makes one tenant, and both succeed", async () => {
    const org = newOrgId();
    const made = await Promise.all([1, 2, 3].map(() => createTenant(dataConfig, scopeOf(org), tenantMigrations)));
    expect(new Set(made.map(({ placement }) => placement)).size).toBe(1);
    const tenant = await describeTenant(org, made[0]!.placement);
    expect(await tenant.run("owner", null, sql`SELECT scope_role() AS role`)).toEqual([[{ role: "owner" }]]);
  });

  it("that stopped after its reservation is finished in the same place", async () => {
    const org = newOrgId();
    const reserved = await reservePlacement(directoryDatabase, scopeOf(org), ["first", "second"], dataConfig.rootId);
    expect(reserved.ready).toBe(false);
    expect((await createTenant(dataConfig, scopeOf(org), tenantMigrations)).placement).toBe(reserved.placement);
  });

  it("that stopped before it was recorded is finished by the next call", async () => {
    const tenant = await freshTenant();
    await runAs(owner("first"), "UPDATE control.organisation_placements SET ready_at = NULL WHERE org_id = $1", [
      tenant.org,
    ]);
    await runAs(owner("first"), "DELETE FROM control.tenant_migrations WHERE org_id = $1", [tenant.org]);
    await createTenant(dataConfig, scopeOf(tenant.org), tenantMigrations);
    expect(await findPlacement(directoryDatabase, scopeOf(tenant.org))).toMatchObject({ ready: true });
  });

  it("whose migration fails leaves neither schema nor role behind, and succeeds once it is mended", async () => {
    const org = newOrgId();
    const name = tenantIdentifier(org);
    const broken: TenantMigration = {
      number: 2,
      name: "0002_broken.sql",
      checksum: "0".repeat(64),
      sql: "CREATE TABLE {{schema}}.half (i int); SELECT 1 / 0;",
    };
    await expect(createTenant(dataConfig, scopeOf(org), [tenantMigrations[0]!, broken])).rejects.toMatchObject({
      code: "22012",
    });
    const { placement } = (await findPlacement(directoryDatabase, scopeOf(org)))!;
    const left = await runAs(
      owner(placement),
      "SELECT 1 FROM pg_roles WHERE rolname = $1 UNION ALL SELECT 1 FROM pg_namespace WHERE nspname = $1",
      [name],
    );
    expect(left).toEqual([]);
    await createTenant(dataConfig, scopeOf(org), tenantMigrations);
    expect(await findPlacement(directoryDatabase, scopeOf(org))).toMatchObject({ placement, ready: true });
  });

  it("again after a newer release brings it to the newest migration, and keeps what it holds", async () => {
    const org = newOrgId();
    const { placement } = await createTenant(dataConfig, scopeOf(org), tenantMigrations.slice(0, 1));
    const tenant = await describeTenant(org, placement);
    await tenant.run("system", null, sql`INSERT INTO operation_receipts (request_id) VALUES ('kept')`);
    await createTenant(dataConfig, scopeOf(org), tenantMigrations);
    expect(
      await tenant.run(
        "system",
        null,
        sql`SELECT request_id, (SELECT count(*)::int FROM devices) AS n FROM operation_receipts`,
      ),
    ).toEqual([[{ request_id: "kept", n: 0 }]]);
  });

  it("refuses a migration that was changed after it had been applied", async () => {
    const tenant = await freshTenant();
    const changed = { ...tenantMigrations[0]!, checksum: "f".repeat(64) };
    await expect(createTenant(dataConfig, scopeOf(tenant.org), [changed])).rejects.toThrow(
      /was changed after it had been applied/,
    );
  });
});

describe("choosing a placement", () => {
  it("takes the one with the fewest tenants", async () => {
    const count = async () => {
      const rows = await runAs(
        owner("first"),
        "SELECT p.name, (SELECT count(*)::int FROM control.organisation_placements o WHERE o.placement = p.name) AS n FROM control.placements p ORDER BY n, name",
      );
      return rows as { name: string; n: number }[];
    };
    // Other files create tenants beside this one, so the claim is of balance, not of one choice.
    for (let index = 0; index < 4; index += 1)
      await reservePlacement(directoryDatabase, scopeOf(newOrgId()), ["first", "second"], dataConfig.rootId);
    const [fewest, most] = await count();
    expect(most!.n - fewest!.n).toBeLessThanOrEqual(4);
  });

  it("gives racing organisations different slots, never one beyond the bound, and refuses the rest", async () => {
    await runAs(
      owner("first"),
      "INSERT INTO control.placements (name, tenants_max) VALUES ('small', 5) ON CONFLICT DO NOTHING",
    );
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, () =>
        reservePlacement(directoryDatabase, scopeOf(newOrgId()), ["small"], dataConfig.rootId),
      ),
    );
    const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(refused).toHaveLength(3);
    for (const reason of refused) expect(reason).toBeInstanceOf(NoPlacementLeft);
    const slots = await runAs(
      owner("first"),
      "SELECT slot FROM control.organisation_placements WHERE placement = 'small' ORDER BY slot",
    );
    expect(slots.map(({ slot }) => slot)).toEqual([1, 2, 3, 4, 5]);
  });

  it("says to Studio that there is no room, rather than failing, and makes nothing", async () => {
    const org = newOrgId();
    const full = new Map([...dataConfig.placements].map(([, placement]) => ["full", { ...placement, name: "full" }]));
    await runAs(
      owner("first"),
      "INSERT INTO control.placements (name, tenants_max) VALUES ('full', 0) ON CONFLICT DO NOTHING",
    );
    const unit = { ...world.unit, config: { ...world.unit.config, placements: full } };
    const call = await world.mesh.caller("studio").asJob("data.provisioner", "provision", org, newRequestId());
    expect(await provision(unit, call, org)).toEqual({ placement: null });
    expect(await findPlacement(directoryDatabase, scopeOf(org))).toBeNull();
  });

  it("never lets a placement take more than 450", async () => {
    await expect(runAs(owner("first"), "UPDATE control.placements SET tenants_max = 451")).rejects.toMatchObject({
      code: "23514",
    });
  });
});

describe("the migrations inside the Worker", () => {
  it("are those of the folder: after a change there, run `node scripts/migrate/bundle-tenant.ts`", () => {
    const path = new URL("../../../workers/data/provisioner/tenant-migrations.ts", import.meta.url).pathname;
    const bundled = readFileSync(path, "utf8");
    expect(bundled === tenantMigrationsModule()).toBe(true);
  });
});

describe("the provisioner's own role", () => {
  it("can't touch the control plane, the audit log or Sentinel's other roles", async () => {
    const database = createDatabase({ url: setup.placements["first"]!.provisionerUrl, gateway });
    for (const statement of [
      sql`SELECT * FROM control.organisation_placements`,
      sql`SELECT * FROM audit.events`,
      sql`ALTER ROLE sentinel_owner PASSWORD 'x'`,
      sql`ALTER ROLE sentinel_audit_writer PASSWORD 'x'`,
      sql`GRANT sentinel_owner TO sentinel_provisioner`,
      sql`SET ROLE sentinel_tenant`,
      sql`DROP ROLE sentinel_control`,
    ]) {
      await expect(database.query(statement)).rejects.toMatchObject({ code: "42501" });
    }
  });
});
