/** Takes empty databases through every version, one file at a time, and describes each. */
import { randomBytes } from "node:crypto";
import type pg from "pg";
import { migrationStatement, tenantSchemaStatements } from "../../../workers/data/provisioner/tenant-schema.ts";
import { type MigrationSet, readMigrations } from "../files.ts";
import { migrate } from "../migrate.ts";
import { asOwner } from "../owner.ts";
import { describeSchemas } from "./describe.ts";
import { schemasOf } from "./dumps.ts";
import { readRights, type TenantRights } from "./rights.ts";

/** How dumps call the schema and role of a tenant, as migrations do. */
export const tenantPlaceholder = "{{tenant}}";

/**
 * @param databaseUrl the owner's, of a database of which this set has nothing yet
 * @returns by version, from the first
 */
export async function describeVersions(databaseUrl: string, set: MigrationSet): Promise<string[][]> {
  const versions: string[][] = [];
  // The control plane stands on a placement, whose default privileges decide what its functions give to PUBLIC.
  if (set === "control") await migrate({ databaseUrl, sets: ["placement"] });
  await asOwner(databaseUrl, async (client) => {
    for (const { number } of readMigrations(set)) {
      await migrate({ databaseUrl, sets: [set], until: number });
      await client.query("BEGIN READ ONLY");
      versions.push(await describeSchemas(client, schemasOf[set]));
      await client.query("COMMIT");
    }
  });
  return versions;
}

/**
 * The same of a tenant's schema, in a transaction that is rolled back.
 * @param databaseUrl the owner's, of a migrated placement
 */
export async function describeTenantVersions(databaseUrl: string): Promise<string[][]> {
  const versions: string[][] = [];
  await buildTenant(databaseUrl, async (client, name) => {
    versions.push(await describeTenant(client, name));
  });
  return versions;
}

/** Who may do what in a tenant's schema at the newest version. @param databaseUrl as above */
export async function newestTenantRights(databaseUrl: string): Promise<TenantRights> {
  const newest = readMigrations("tenant").length;
  let rights: TenantRights | null = null;
  await buildTenant(databaseUrl, async (client, name, number) => {
    if (number === newest) rights = await readRights(client, name, number);
  });
  if (rights === null) throw new Error("there is no migration of tenants");
  return rights;
}

/** Takes a schema through every migration and shows it after each; nothing of it is kept. */
async function buildTenant(
  databaseUrl: string,
  look: (client: pg.ClientBase, name: string, number: number) => Promise<void>,
): Promise<void> {
  const name = `t_${randomBytes(13).toString("hex")}` as Parameters<typeof migrationStatement>[0];
  await asOwner(databaseUrl, async (client) => {
    // The role is the transaction's too.
    await client.query(`SET ROLE sentinel_provisioner; BEGIN; CREATE ROLE ${name} NOLOGIN`);
    for (const { text } of tenantSchemaStatements(name, [])) await client.query(text);
    for (const migration of readMigrations("tenant")) {
      await client.query(migrationStatement(name, migration).text);
      await look(client, name, migration.number);
    }
    await client.query("ROLLBACK");
  });
}

/** One tenant's schema, with its name taken out. @param client in a transaction */
export const describeTenant = (client: pg.ClientBase, name: string): Promise<string[]> =>
  describeSchemas(client, [name], [[name, tenantPlaceholder]]);
