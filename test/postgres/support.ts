/** What tests of the data layer share. The clusters are real and common to all files, so each test makes its own tenant. */

import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { rowScopeKey, signRowScope, tenantPassword } from "../../core/crypto/tenant-keys.ts";
import { makeId, type OrgId, type RequestId, type UserId } from "../../core/ids.ts";
import { type TenantIdentifier, tenantIdentifier } from "../../core/tenancy/identifiers.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import { readMigrations } from "../../scripts/migrate/files.ts";
import { createDatabase, type Database, type Row, type Statement, sql } from "../../store/connect.ts";
import { type DataConfig, parseConfig } from "../../workers/data/config.ts";
import { createTenant } from "../../workers/data/provisioner/create-tenant.ts";
import { scopeOf } from "../support/scopes.ts";
import type { PostgresSetup } from "./global-setup.ts";
import { answerHere } from "./near-gateway.ts";

/** Addresses and secrets of the clusters that the global setup started for this worker. */
export const setup: PostgresSetup = ownSetup();

function ownSetup(): PostgresSetup {
  const own = inject("postgres")[Number(process.env["VITEST_POOL_ID"]) - 1];
  if (own === undefined) throw new Error("no clusters were started for this worker");
  return own;
}

/** `host:port` of the gateway; goes into `createDatabase` and NEON_GATEWAY. */
export const { gateway } = setup;

/** What takes a statement over HTTP; `fetch` itself answers it here. */
export const fetchOverHttp: typeof fetch = answerHere(
  gateway,
  Object.values(setup.superuserUrls).map((url) => new URL(url).host),
);

export const controlDatabase: Database = createDatabase({ url: setup.controlUrl, gateway });
export const directoryDatabase: Database = createDatabase({ url: setup.directoryUrl, gateway });

/** The data Worker's variables as the local stack would set them. */
export const dataVariables = {
  NEON_GATEWAY: gateway,
  ISSUER: "https://sentinel.test",
  TENANT_DB_ROOT_SECRET: setup.tenantDbRootSecret,
  PLACEMENTS: JSON.stringify(setup.placements),
  DIRECTORY_DATABASE_URL: setup.directoryUrl,
};

export const dataConfig: DataConfig = await parseConfig(dataVariables);

const random = (): Uint8Array => randomBytes(10);
export const newOrgId = (): OrgId => makeId("org", Date.now(), random());
export const newUserId = (): UserId => makeId("user", Date.now(), random());
export const newRequestId = (): RequestId => makeId("request", Date.now(), random());

/** A provisioned organisation. */
export interface FreshTenant {
  readonly org: OrgId;
  readonly placement: string;
  /** Its schema and role. */
  readonly name: TenantIdentifier;
  readonly password: string;
  /** The tenant role's connection. */
  readonly url: string;
  readonly database: Database;
  /** A signed row scope; five minutes unless said otherwise. */
  rowScope(role: Role | "system", user?: UserId | null, expiresAtMs?: number): Promise<string>;
  /** Runs statements as the tenant's role under a signed scope; the scope's own row is left out. */
  run(role: Role | "system", user: UserId | null, ...statements: Statement[]): Promise<Row[][]>;
}

/** The migrations as they stand in the folder now, whether or not they were bundled. */
export const tenantMigrations = readMigrations("tenant");

/** Makes an organisation with everything the Provisioner gives it. */
export async function freshTenant(org: OrgId = newOrgId()): Promise<FreshTenant> {
  const { placement } = await createTenant(dataConfig, scopeOf(org), tenantMigrations);
  return describeTenant(org, placement);
}

/** An organisation that exists already. */
export async function describeTenant(org: OrgId, placement: string): Promise<FreshTenant> {
  const name = tenantIdentifier(org);
  const password = await tenantPassword(dataConfig.root, org, 1);
  const url = `postgres://${name}:${password}@${setup.placements[placement]!.tenantHost}`;
  const database = createDatabase({ url, gateway });
  const key = await rowScopeKey(dataConfig.root, org);
  const rowScope: FreshTenant["rowScope"] = (role, user = null, expiresAtMs = Date.now() + 300_000) =>
    signRowScope(key, { user, role, expiresAtMs });
  return {
    org,
    placement,
    name,
    password,
    url,
    database,
    rowScope,
    async run(role, user, ...statements) {
      const scope = await rowScope(role, user);
      const [, ...results] = await database.transaction([
        sql`SELECT set_config('sentinel.scope', ${scope}, true)`,
        ...statements,
      ]);
      return results;
    },
  };
}

/** A plain connection, straight to the server; ended by the caller. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

/** Runs one SQL text past every policy on a placement, the control plane's unless said otherwise, to arrange or look. */
export async function asSuperuser(text: string, values: unknown[] = [], placement = "first"): Promise<Row[]> {
  const pool = superusers.get(placement);
  if (pool === undefined) throw new Error(`no placement ${placement} was started`);
  const client = await pool.connect();
  try {
    const { rows } = await client.query<Row>(text, values);
    await client.query("DISCARD ALL");
    client.release();
    return rows;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Kept open: a login takes ten times what most of these texts do. */
const superusers: ReadonlyMap<string, pg.Pool> = new Map(
  Object.entries(setup.superuserUrls).map(([placement, connectionString]) => {
    const pool = new pg.Pool({ connectionString, allowExitOnIdle: true });
    // One that lay idle when a test ended every session; the pool drops it by itself.
    pool.on("error", () => undefined);
    return [placement, pool];
  }),
);

/** Runs one SQL text as a superuser or owner, to arrange or look. */
export async function runAs(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = await connect(url);
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}
