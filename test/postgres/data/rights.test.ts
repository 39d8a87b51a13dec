import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { rightsModule } from "../../../scripts/migrate/schema/rights.ts";
import { newestTenantRights } from "../../../scripts/migrate/schema/versions.ts";
import { createDatabase, sql } from "../../../store/connect.ts";
import { createPlacementCache, findPlacement, TenantNotReady } from "../../../workers/data/directory.ts";
import { repairTenant } from "../../../workers/data/provisioner/repair-tenant.ts";
import { checkRights } from "../../../workers/data/provisioner/rights/check.ts";
import { fingerprints, isExposed } from "../../../workers/data/provisioner/rights/compare.ts";
import { tenantRights } from "../../../workers/data/provisioner/rights/tenant-rights.ts";
import { openTenant, runAsSystem } from "../../../workers/data/tenant-access.ts";
import type { PlacementDatabases } from "../../support/placement-databases.ts";
import { scopeOf } from "../../support/scopes.ts";
import { connect, setup } from "../support.ts";
import { addDevices, asProvisioner, type MadeTenant, makeTenants, twoPlacements } from "./migrations-kit.ts";
import { createDataWorld, newDeviceId } from "./support.ts";

let world: PlacementDatabases;
let tenant: MadeTenant;
let neighbour: MadeTenant;
beforeAll(async () => {
  world = await twoPlacements();
  [neighbour] = (await makeTenants(world, 1)) as [MadeTenant];
});
beforeEach(async () => {
  [tenant] = (await makeTenants(world, 1)) as [MadeTenant];
  await addDevices(tenant, [newDeviceId()]);
});

const directory = () => createDatabase({ url: world.config.directoryUrl, gateway: world.config.gateway });
const check = () => checkRights(world.config, directory());
const provisionerOf = ({ placement }: MadeTenant) =>
  createDatabase({ url: world.config.placements.get(placement)!.provisionerUrl, gateway: world.config.gateway });
const isRight = async (one: MadeTenant) =>
  (await fingerprints(provisionerOf(one), [one.name])).get(one.name) === tenantRights.fingerprint;
const devices = async (one: MadeTenant, role: "owner" | "system" = "owner") =>
  (await one.run(role, sql`SELECT count(*)::int AS n FROM devices`))[0]?.[0]?.["n"];
/** As SQL injected into a request: the tenant's own role. */
const inject = async (one: MadeTenant, text: string) => {
  const client = await connect((await one.connection("owner")).databaseUrl);
  await client.query(text).finally(() => client.end());
};

describe("the rights that the data Worker knows", () => {
  it("are those that the migrations make (scripts/migrate/schema/dump.ts writes them)", async () => {
    const made = await newestTenantRights(setup.ownerUrls["first"]!);
    expect(tenantRights).toEqual(made);
    expect(rightsModule(made)).toContain(made.fingerprint);
  });

  it("are those of a tenant that was just made, of one that has partitions, and of one that was repaired for nothing", async () => {
    expect(await isRight(tenant)).toBe(true);
    const unit = {
      ...(await createDataWorld()).unit,
      config: world.config,
      placementOf: () => findPlacement(directory(), scopeOf(tenant.org)),
    } as never;
    const rows = [
      { device: newDeviceId(), sample: "s", at_ms: Date.now(), received_ms: Date.now(), metrics: { cpu: 1 } },
    ];
    await runAsSystem(unit, scopeOf(tenant.org), [
      sql`SELECT stored FROM telemetry_store(${JSON.stringify(rows)}::json)`,
    ]);
    expect(await isRight(tenant)).toBe(true);
    expect(await repairTenant(world.config, scopeOf(tenant.org))).toEqual({ found: [], left: [], closed: false });
    expect(await isRight(tenant)).toBe(true);
  });
});

describe("what a tenant's role throws away of its own", () => {
  it.each(["DROP OWNED BY CURRENT_USER", "DROP OWNED BY CURRENT_USER CASCADE"])(
    "by %s comes back with the clock's next run; meanwhile nobody sees anything, and no row is lost",
    async (text) => {
      await check();
      await inject(tenant, text);
      expect([0, "refused"]).toContain(await devices(tenant).catch(() => "refused"));
      await runDue();
      const { repaired, failed } = await check();
      expect(failed).toEqual([]);
      expect(repaired).toEqual([{ org: tenant.org, drift: ["rights"], left: false, closed: false }]);
      expect(await isRight(tenant)).toBe(true);
      expect(await devices(tenant)).toBe(1);
      await runDue();
      expect((await check()).repaired).toEqual([]);
    },
  );

  it("does not touch its neighbour", async () => {
    await inject(tenant, "DROP OWNED BY CURRENT_USER");
    expect(await isRight(neighbour)).toBe(true);
    await repairTenant(world.config, scopeOf(tenant.org));
    expect(await isRight(neighbour)).toBe(true);
  });

  it("is its password: what the clock asks for next is refused, mends it and goes on", async () => {
    await inject(tenant, "ALTER ROLE CURRENT_USER PASSWORD 'mine now'");
    const { unit } = await createDataWorld();
    const here = {
      ...unit,
      config: world.config,
      directory: directory(),
      placementOf: () => findPlacement(directory(), scopeOf(tenant.org)),
    };
    const [rows] = await runAsSystem(here as never, scopeOf(tenant.org), [sql`SELECT count(*)::int AS n FROM devices`]);
    expect(rows).toEqual([{ n: 1 }]);
    // Once a minute and no more often, whatever the role does to itself.
    await inject(tenant, "ALTER ROLE CURRENT_USER PASSWORD 'mine again'");
    expect(unit.mayRepair(tenant.org)).toBe(false);
  });
});

/** Everybody's turn comes again now. */
const runDue = () => asOwnerOfControl("UPDATE control.rights_checks SET checked_at = now() - interval '1 day'");
const asOwnerOfControl = async (text: string) => {
  const client = await connect(world.urls[0].url);
  await client.query(text).finally(() => client.end());
};

describe("what a hand did to a schema", () => {
  it.each<[string, string]>([
    ["row-level security switched off", "ALTER TABLE {schema}.devices DISABLE ROW LEVEL SECURITY"],
    ["row-level security not forced", "ALTER TABLE {schema}.commands NO FORCE ROW LEVEL SECURITY"],
    ["a policy for everybody", "CREATE POLICY wide ON {schema}.devices FOR SELECT TO {schema} USING (true)"],
    ["a wider policy", "ALTER POLICY devices_read ON {schema}.devices USING (true)"],
    ["a dropped policy", "DROP POLICY devices_read ON {schema}.devices"],
    ["a right too many", "GRANT DELETE ON {schema}.commands TO {schema}"],
    ["a right on a column too many", "GRANT UPDATE (id) ON {schema}.devices TO {schema}"],
    ["a right too few", "REVOKE SELECT ON {schema}.devices FROM {schema}"],
    ["a right of everybody's", "GRANT SELECT ON {schema}.devices TO PUBLIC"],
    ["a schema that everybody may use", "GRANT USAGE ON SCHEMA {schema} TO PUBLIC"],
    ["the key of the row scopes", "GRANT SELECT ON {schema}.scope_key TO {schema}"],
    [
      "a scope that is always an owner's",
      "CREATE OR REPLACE FUNCTION {schema}.scope_role() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT 'owner' $$",
    ],
    ["a function that everybody may call", "GRANT EXECUTE ON FUNCTION {schema}.scope_claims() TO PUBLIC"],
    ["a trigger that is off", "ALTER TABLE {schema}.devices DISABLE TRIGGER telemetry_note_removed"],
    [
      "a partition that opens past its parent",
      "CREATE TABLE {schema}.telemetry_d20200101 PARTITION OF {schema}.telemetry FOR VALUES FROM ('2020-01-01') TO ('2020-01-02'); GRANT SELECT ON {schema}.telemetry_d20200101 TO {schema}",
    ],
  ])("%s: is found and mended", async (_what, text) => {
    await asProvisioner(tenant.url, text.replaceAll("{schema}", tenant.name));
    expect(await isRight(tenant)).toBe(false);
    expect(await repairTenant(world.config, scopeOf(tenant.org))).toEqual({
      found: ["rights"],
      left: [],
      closed: false,
    });
    expect(await isRight(tenant)).toBe(true);
    expect(await isExposed(provisionerOf(tenant), tenant.name)).toBe(false);
    expect(await devices(tenant)).toBe(1);
  });

  it("and no repair mends shuts the tenant, if it lets somebody through, until it is mended", async () => {
    const open = async () => {
      const { unit } = await createDataWorld();
      const placementOf = createPlacementCache(directory(), Date.now);
      return openTenant({ ...unit, config: world.config, placementOf } as never, scopeOf(tenant.org), {
        user: null,
        role: "owner",
      });
    };
    // A table that belongs to somebody else: the provisioner can't take it back.
    const owner = await connect(superuserUrl(tenant));
    await owner.query(`ALTER TABLE ${tenant.name}.telemetry_policy OWNER TO sentinel_owner`);
    expect(await repairTenant(world.config, scopeOf(tenant.org))).toEqual({
      found: ["rights"],
      left: ["rights"],
      closed: true,
    });
    await expect(open()).rejects.toThrow(TenantNotReady);
    await owner.query(`ALTER TABLE ${tenant.name}.telemetry_policy OWNER TO sentinel_provisioner`);
    await owner.end();
    expect(await repairTenant(world.config, scopeOf(tenant.org))).toMatchObject({ left: [], closed: false });
    await expect(open()).resolves.toMatchObject({ org: tenant.org });
  });
});

function superuserUrl({ url, placement }: MadeTenant): string {
  const superuser = new URL(setup.superuserUrls[placement === "one" ? "first" : "second"]!);
  superuser.pathname = new URL(url).pathname;
  return superuser.href;
}
