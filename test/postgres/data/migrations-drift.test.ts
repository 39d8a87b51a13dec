import { beforeAll, describe, expect, it } from "vitest";
import { readMigrations } from "../../../scripts/migrate/files.ts";
import { migrate } from "../../../scripts/migrate/migrate.ts";
import { describeSchemas } from "../../../scripts/migrate/schema/describe.ts";
import { schemaDifference } from "../../../scripts/migrate/schema/difference.ts";
import { changedFiles, dumpedSets, readDump, schemasOf } from "../../../scripts/migrate/schema/dumps.ts";
import { emptyDatabase } from "../../../scripts/migrate/schema/empty-database.ts";
import { describeTenant, describeTenantVersions, describeVersions } from "../../../scripts/migrate/schema/versions.ts";
import { migrateTenants } from "../../../scripts/migrate/tenants/run.ts";
import { verifyTenants } from "../../../scripts/migrate/tenants/verify.ts";
import type { PlacementDatabases } from "../../support/placement-databases.ts";
import { connect, setup } from "../support.ts";
import { asProvisioner, type MadeTenant, makeTenants, twoPlacements } from "./migrations-kit.ts";

const ownerUrl = setup.ownerUrls["first"]!;

async function described(url: string, work: (client: Awaited<ReturnType<typeof connect>>) => Promise<string[]>) {
  const client = await connect(url);
  try {
    await client.query("BEGIN READ ONLY");
    return await work(client);
  } finally {
    await client.end();
  }
}

/** How descriptions of versions differ from the committed ones: one line each, none when they are the same. */
function differences(set: (typeof dumpedSets)[number], versions: readonly (readonly string[])[], from = 1): string[] {
  return versions.flatMap((version, index) => {
    const number = from + index;
    const dump = readDump(set, number);
    if (dump === null) return [`${set} ${number} has no dump`];
    const { missing = [], unexpected = [] } = schemaDifference(dump.schema, version) ?? {};
    return [
      ...missing.map((line) => `${set} ${number} - ${line}`),
      ...unexpected.map((line) => `${set} ${number} + ${line}`),
    ];
  });
}
/** Those of which dumps exist: a file that is being written has none yet. */
const dumped = readMigrations("tenant").filter(({ number }) => readDump("tenant", number) !== null);

describe("the committed schema of each version", () => {
  it.each(dumpedSets)("%s: no file was changed after it was committed, and none lacks its dump", (set) => {
    expect(changedFiles(set)).toEqual([]);
  });

  it.each(["placement", "control"] as const)("%s: is what an empty database becomes file by file", async (set) => {
    expect(differences(set, await describeVersions(await emptyDatabase(ownerUrl), set))).toEqual([]);
  });

  it("tenant: is what an empty schema becomes file by file", async () => {
    expect(differences("tenant", await describeTenantVersions(ownerUrl))).toEqual([]);
  });

  it.each(["placement", "control"] as const)("%s: is what a database becomes that is migrated at once", async (set) => {
    const databaseUrl = await emptyDatabase(ownerUrl);
    await migrate({ databaseUrl, sets: ["placement", "control"] });
    const made = await described(databaseUrl, (client) => describeSchemas(client, schemasOf[set]));
    expect(differences(set, [made], readMigrations(set).length)).toEqual([]);
  });

  it("tenant: is what the data Worker makes of a new tenant, and what runs make of an old one, version by version", async () => {
    const world = await twoPlacements();
    const all = readMigrations("tenant");
    const [fresh] = await makeTenants(world, 1);
    const [old] = await makeTenants(world, 1, all.slice(0, 1));
    const of = ({ url, name }: MadeTenant) => described(url, (client) => describeTenant(client, name));
    expect(differences("tenant", [await of(fresh!)], all.length)).toEqual([]);
    expect(differences("tenant", [await of(old!)])).toEqual([]);
    for (const { number } of all.slice(1)) {
      await migrateTenants({ placements: world.urls, migrations: all.slice(0, number), canary: old!.org });
      expect(differences("tenant", [await of(old!)], number)).toEqual([]);
    }
  });
});

describe("a tenant's schema that was altered by hand", () => {
  let world: PlacementDatabases;
  beforeAll(async () => {
    world = await twoPlacements();
  });

  it.each<[string, (name: string) => string]>([
    ["a column", (name) => `ALTER TABLE ${name}.devices ADD COLUMN extra text`],
    ["another default", (name) => `ALTER TABLE ${name}.devices ALTER COLUMN online SET DEFAULT true`],
    ["a dropped check", (name) => `ALTER TABLE ${name}.devices DROP CONSTRAINT devices_name_check`],
    ["a dropped index", (name) => `DROP INDEX ${name}.commands_device`],
    ["row-level security switched off", (name) => `ALTER TABLE ${name}.devices DISABLE ROW LEVEL SECURITY`],
    ["a wider policy", (name) => `ALTER POLICY devices_read ON ${name}.devices USING (true)`],
    ["one more policy", (name) => `CREATE POLICY more ON ${name}.devices FOR SELECT TO ${name} USING (true)`],
    ["one more right", (name) => `GRANT SELECT ON ${name}.scope_key TO ${name}`],
    ["a right on a column", (name) => `GRANT UPDATE (platform) ON ${name}.devices TO ${name}`],
    ["a right for everybody", (name) => `GRANT EXECUTE ON FUNCTION ${name}.scope_claims() TO PUBLIC`],
    ["a right on the schema", (name) => `GRANT CREATE ON SCHEMA ${name} TO ${name}`],
    [
      "a function that decides otherwise",
      (name) =>
        `CREATE OR REPLACE FUNCTION ${name}.scope_role() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ SELECT 'owner' $$`,
    ],
    ["a function without its search path", (name) => `ALTER FUNCTION ${name}.scope_user() RESET search_path`],
    [
      "a trigger",
      (name) =>
        `CREATE TRIGGER peek BEFORE UPDATE ON ${name}.devices FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
    ],
    ["a view past the policies", (name) => `CREATE VIEW ${name}.all_devices AS SELECT * FROM ${name}.devices`],
    [
      "rights for tables to come",
      (name) => `ALTER DEFAULT PRIVILEGES IN SCHEMA ${name} GRANT SELECT ON TABLES TO ${name}`,
    ],
    [
      "a partition that shows rows past its parent's policies",
      (name) =>
        `CREATE TABLE ${name}.parent (i int) PARTITION BY RANGE (i); CREATE TABLE ${name}.part PARTITION OF ${name}.parent DEFAULT; GRANT SELECT ON ${name}.part TO ${name}`,
    ],
  ])("is found: %s", async (_what, alter) => {
    const [tenant] = await makeTenants(world, 1, dumped);
    const before = await verifyTenants(world.urls, dumped);
    await asProvisioner(tenant!.url, alter(tenant!.name));
    const after = await verifyTenants(world.urls, dumped);
    expect(after.drifted.map(({ org }) => org)).toContain(tenant!.org);
    expect(after.drifted.length).toBe(before.drifted.length + 1);
  });
});

describe("a migration file", () => {
  it("that is changed after its dump was committed is named, and so is one without a dump", () => {
    const [first] = readMigrations("tenant");
    const changed = { ...first!, checksum: "f".repeat(64) };
    expect(changedFiles("tenant", [changed])).toEqual([expect.stringMatching(/0001_scope\.sql was changed after/)]);
    expect(changedFiles("tenant", [{ ...first!, name: "0001_other.sql" }])).toHaveLength(1);
    expect(changedFiles("tenant", [{ ...first!, number: 9999 }])).toEqual([expect.stringMatching(/has no dump/)]);
  });
});
