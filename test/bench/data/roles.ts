import { randomBytes } from "node:crypto";
import { rowScopeKey, signRowScope } from "../../../core/crypto/tenant-keys.ts";
import { createDatabase, sql, unsafeRawSql } from "../../../store/connect.ts";
import type { LivedInTenant } from "../../support/lived-in-tenant.ts";
import { type PlacementDatabases, runOn } from "../../support/placement-databases.ts";
import { milliseconds, type Row } from "../report.ts";
import { median, overRounds, quantile, timeEach } from "../statistics.ts";

const readsPerRound = 200;
/** Tenants that are asked in turn: fewer than the gateway keeps warm, so that what differs is the role alone. */
const warmTenants = 10;

/**
 * The same read through the gateway: as each tenant's own role under a signed scope, and as one role that all
 * tenants share, which names the schema itself. The difference is what the isolation costs.
 */
export async function benchTenantRoles(
  world: PlacementDatabases,
  tenants: readonly LivedInTenant[],
  rounds: number,
): Promise<Row[]> {
  const { gateway, root } = world.config;
  const here = tenants.filter(({ placement }) => placement === world.urls[0].name);
  const warm = here.slice(0, warmTenants);
  const shared = createDatabase({ url: await sharedRole(world, warm), gateway });
  const scopes = new Map<LivedInTenant, string>();
  for (const tenant of here) {
    const expiresAtMs = Date.now() + 3_600_000;
    scopes.set(
      tenant,
      await signRowScope(await rowScopeKey(root, tenant.org), { user: null, role: "owner", expiresAtMs }),
    );
  }
  const asTenant = (tenant: LivedInTenant): Promise<unknown> =>
    createDatabase({ url: tenant.url, gateway }).transaction([
      sql`SELECT set_config('sentinel.scope', ${scopes.get(tenant) ?? ""}, true)`,
      sql`SELECT id, name, platform, online FROM devices ORDER BY id LIMIT 50`,
    ]);
  const asShared = ({ name }: LivedInTenant): Promise<unknown> =>
    shared.transaction([
      sql`SELECT set_config('search_path', ${name}, true)`,
      sql`SELECT id, name, platform, online FROM ${unsafeRawSql(name)}.devices ORDER BY id LIMIT 50`,
    ]);
  const pick = (index: number): LivedInTenant => warm[index % warm.length] as LivedInTenant;
  const [own, common]: [number[][], number[][]] = [[], []];
  for (let round = 0; round <= rounds; round += 1) {
    const [a, b] = [
      await timeEach(readsPerRound, (index) => asTenant(pick(index))),
      await timeEach(readsPerRound, (index) => asShared(pick(index))),
    ];
    // The first round warms connections and caches.
    if (round > 0) own.push(a) && common.push(b);
  }
  const cold = await timeEach(here.length - warm.length, (index) =>
    asTenant(here[warm.length + index] as LivedInTenant),
  );
  const [tenantRole, sharedOne] = [overRounds(own), overRounds(common)];
  return [
    {
      what: `listing devices as the tenant's own role, row security on, p50`,
      value: milliseconds(tenantRole.p50),
      beside: `one shared role, row security off: ${milliseconds(sharedOne.p50)}, p99 ${milliseconds(sharedOne.p99)}`,
    },
    { what: "the same, p99", value: milliseconds(tenantRole.p99), beside: "–" },
    {
      what: `the same for a role that nobody used lately (a connection and SCRAM), n = ${cold.length}, median`,
      value: milliseconds(median(cold)),
      beside: `p99 ${milliseconds(quantile(cold, 0.99))}`,
    },
  ];
}

/** A role that may read every tenant's devices past the policies: what a design without roles would use. */
async function sharedRole(world: PlacementDatabases, tenants: readonly LivedInTenant[]): Promise<string> {
  const [{ url }] = world.urls;
  const password = randomBytes(24).toString("base64url");
  const name = `bench_shared_${randomBytes(4).toString("hex")}`;
  await runOn(url, `CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
  await runOn(url, `DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO ${name}', current_database()); END $$`);
  for (const { name: schema } of tenants)
    await runOn(
      url,
      `BEGIN; SET LOCAL ROLE sentinel_provisioner; GRANT USAGE ON SCHEMA ${schema} TO ${name};
       GRANT SELECT ON ${schema}.devices TO ${name};
       CREATE POLICY bench ON ${schema}.devices FOR SELECT TO ${name} USING (true); COMMIT`,
    );
  const address = new URL(url);
  address.username = name;
  address.password = password;
  return address.href;
}
