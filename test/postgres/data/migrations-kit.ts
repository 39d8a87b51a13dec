/** Tenants of their own for tests of runs over all tenants. */

import { rowScopeKey, signRowScope, tenantPassword } from "../../../core/crypto/tenant-keys.ts";
import { type DeviceId, makeId, type OrgId } from "../../../core/ids.ts";
import type { TenantConnection } from "../../../core/rpc/data.ts";
import { type TenantIdentifier, tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { readMigrations } from "../../../scripts/migrate/files.ts";
import { createDatabase, type Row, type Statement, sql } from "../../../store/connect.ts";
import { createTenant } from "../../../workers/data/provisioner/create-tenant.ts";
import type { TenantMigration } from "../../../workers/data/provisioner/tenant-schema.ts";
import { makePlacementDatabases, type PlacementDatabases, runOn } from "../../support/placement-databases.ts";
import { scopeOf } from "../../support/scopes.ts";
import { connect, gateway, newOrgId, runAs, setup } from "../support.ts";

export interface MadeTenant {
  readonly org: OrgId;
  readonly name: TenantIdentifier;
  readonly placement: string;
  /** The owner's connection to its placement. */
  readonly url: string;
  /** Statements of the tenant's own role under the scope `role`, as the API's are run. */
  run(role: "owner" | "system", ...statements: Statement[]): Promise<Row[][]>;
  /** What the data Worker hands out for a caller of that role. */
  connection(role: "owner" | "system"): Promise<TenantConnection>;
}

/** Two placements, one in each cluster, with nobody in them. */
export const twoPlacements = (): Promise<PlacementDatabases> =>
  makePlacementDatabases(
    ["one", "two"],
    ["first", "second"].map((name) => ({ ownerUrl: setup.ownerUrls[name]!, address: setup.placements[name]! })),
    { directoryUrl: setup.directoryUrl, gateway },
  );

/** Tenants at the newest migration, or the given ones. */
export async function makeTenants(
  world: PlacementDatabases,
  count: number,
  migrations: readonly TenantMigration[] = readMigrations("tenant"),
): Promise<MadeTenant[]> {
  const made: MadeTenant[] = [];
  for (let index = 0; index < count; index += 1) made.push(await makeTenant(world, migrations));
  return made;
}

async function makeTenant(world: PlacementDatabases, migrations: readonly TenantMigration[]): Promise<MadeTenant> {
  const org = newOrgId();
  const { placement } = await createTenant(world.config, scopeOf(org), migrations);
  const name = tenantIdentifier(org);
  const password = await tenantPassword(world.config.root, org, 1);
  const key = await rowScopeKey(world.config.root, org);
  const host = world.config.placements.get(placement)!.tenantHost;
  const databaseUrl = `postgres://${name}:${password}@${host}`;
  const database = createDatabase({ url: databaseUrl, gateway });
  const connection: MadeTenant["connection"] = async (role) => {
    const expiresAtMs = Date.now() + 300_000;
    const rowScope = await signRowScope(key, { user: null, role, expiresAtMs });
    return { org, databaseUrl, fallbackDatabaseUrl: null, rowScope, expiresAtMs };
  };
  return {
    org,
    name,
    placement,
    url: world.urls.find((url) => url.name === placement)!.url,
    connection,
    async run(role, ...statements) {
      const { rowScope: scope } = await connection(role);
      const [, ...rows] = await database.transaction([
        sql`SELECT set_config('sentinel.scope', ${scope}, true)`,
        ...statements,
      ]);
      return rows;
    },
  };
}

/** Statements on a placement with the rights of the owner of tenants' schemas. */
export async function asProvisioner<T extends Row>(url: string, text: string): Promise<T[]> {
  const client = await connect(url);
  try {
    await client.query("SET ROLE sentinel_provisioner");
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Gives a tenant devices, past its policies, which hold for the owner of the tables too: arranged, not tested. */
export async function addDevices({ url, name, placement }: MadeTenant, ids: readonly DeviceId[]): Promise<void> {
  const superuser = new URL(setup.superuserUrls[placement === "one" ? "first" : "second"]!);
  superuser.pathname = new URL(url).pathname;
  const code = makeId("enrollmentCode", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  const hash = "encode(sha256(gen_random_uuid()::text::bytea), 'hex')";
  await runAs(
    superuser.href,
    `INSERT INTO ${name}.enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
     VALUES ('${code}', ${hash}, 'code', now() + interval '1 day', 1000, 'somebody');
     INSERT INTO ${name}.devices (id, name, platform, token_sha256, enrollment_code_id)
     SELECT id, 'device', 'linux', ${hash}, '${code}' FROM unnest('{${ids.join(",")}}'::text[]) id`,
  );
}

/** What the schema's own ledger says, and the control plane's index. */
export async function versions(
  world: PlacementDatabases,
  tenant: MadeTenant,
): Promise<{ truth: number; index: number }> {
  const [truth] = await asProvisioner<{ number: number }>(
    tenant.url,
    `SELECT coalesce(max(number), 0) AS number FROM ${tenant.name}.schema_migrations`,
  );
  const [index] = await runOn<{ number: number }>(
    world.urls[0].url,
    "SELECT number FROM control.tenant_migrations WHERE org_id = $1",
    [tenant.org],
  );
  return { truth: truth!.number, index: index?.number ?? 0 };
}
