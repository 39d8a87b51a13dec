/** A cluster of its own with one tenant, and samples in it by the million. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { rowScopeKey, signRowScope, tenantPassword } from "../../../core/crypto/tenant-keys.ts";
import { type DeviceId, makeId, type OrgId } from "../../../core/ids.ts";
import { type TenantIdentifier, tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { bootstrapPlacements, makeBootstrapSecrets } from "../../../scripts/postgres/bootstrap.ts";
import { startCluster } from "../../../scripts/postgres/embedded.ts";
import { startGateway } from "../../../scripts/postgres/gateway.ts";
import { createDatabase, type Database, type Row, type Statement, sql } from "../../../store/connect.ts";
import { parseConfig } from "../../../workers/data/config.ts";
import { createTenant } from "../../../workers/data/provisioner/create-tenant.ts";
import { tenantMigrations } from "../../../workers/data/provisioner/tenant-migrations.ts";
import { scopeOf } from "../../support/scopes.ts";

const dayMs = 86_400_000;

export interface TelemetryWorld {
  readonly schema: TenantIdentifier;
  /** A superuser's session, straight to the server. */
  readonly admin: pg.Client;
  /** Statements as the tenant's role, through the gateway and under a signed scope, as the Workers send them. */
  run(role: "owner" | "system", ...statements: Statement[]): Promise<Row[][]>;
  stop(): Promise<void>;
}

/** @param folder where the data lies; a temporary one, removed at the end, when absent */
export async function startTelemetryWorld(folder?: string): Promise<TelemetryWorld> {
  const dir = folder ?? mkdtempSync(join(tmpdir(), "sentinel-bench-"));
  const superuserPassword = randomBytes(24).toString("base64url");
  const quiet = { dir: join(dir, "one"), stateDir: dir, port: 0, superuserPassword, log: () => undefined };
  const started = await startCluster(quiet);
  const adminOf = async (port: number, database: string): Promise<pg.Client> => {
    const client = new pg.Client(`postgres://postgres:${superuserPassword}@127.0.0.1:${port}/${database}`);
    await client.connect();
    return client;
  };
  // Filling tables by the gigabyte needs no log of it; how they are read and written otherwise stays the same.
  const settings = await adminOf(started.port, "postgres");
  for (const text of ["wal_level = minimal", "max_wal_senders = 0"]) await settings.query(`ALTER SYSTEM SET ${text}`);
  await settings.end();
  await started.stop();
  const cluster = await startCluster(quiet);
  const clusters = [{ ...cluster, name: "one", superuserPassword }];
  const placed = await bootstrapPlacements({ clusters, secrets: makeBootstrapSecrets(["one"]) });
  const gateway = await startGateway({ port: 0, clusters });
  const config = await parseConfig({
    NEON_GATEWAY: `127.0.0.1:${gateway.port}`,
    ISSUER: "https://sentinel.test",
    TENANT_DB_ROOT_SECRET: randomBytes(32).toString("base64url"),
    PLACEMENTS: JSON.stringify(placed.placements),
    DIRECTORY_DATABASE_URL: `postgres://postgres:${superuserPassword}@127.0.0.1:${cluster.port}/sentinel`,
  });
  const org: OrgId = makeId("org", Date.now(), randomBytes(10));
  await createTenant(config, scopeOf(org), tenantMigrations);
  const schema = tenantIdentifier(org);
  const url = `postgres://${schema}:${await tenantPassword(config.root, org, 1)}@127.0.0.1:${cluster.port}/sentinel`;
  const database: Database = createDatabase({ url, gateway: config.gateway });
  const key = await rowScopeKey(config.root, org);
  const admin = await adminOf(cluster.port, "sentinel");
  return {
    schema,
    admin,
    async run(role, ...statements) {
      const scope = await signRowScope(key, { user: null, role, expiresAtMs: Date.now() + 300_000 });
      const [, ...results] = await database.transaction([
        sql`SELECT set_config('sentinel.scope', ${scope}, true)`,
        ...statements,
      ]);
      return results;
    },
    async stop() {
      await admin.end();
      await gateway.stop();
      await cluster.stop();
      if (folder === undefined) rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Devices that may be looked at. */
export async function enrolMany({ admin, schema }: TelemetryWorld, count: number): Promise<DeviceId[]> {
  const ids = Array.from({ length: count }, () => makeId("device", Date.now(), randomBytes(10)));
  const code = makeId("enrollmentCode", Date.now(), randomBytes(10));
  await admin.query(
    `INSERT INTO ${schema}.enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
     VALUES ($1, repeat('0', 64), 'bench', now(), 100000, 'usr')`,
    [code],
  );
  await admin.query(
    `INSERT INTO ${schema}.devices (id, name, platform, token_sha256, enrollment_code_id)
     SELECT id, 'PC', 'linux', repeat('0', 64), $2 FROM unnest($1::text[]) id`,
    [ids, code],
  );
  return ids;
}

/**
 * Fills one day: every device reports at an even pace, and rows lie in the order in which they would
 * have come. The partition gets its index at the end, as a table does that is filled at once.
 * @param dayStartMs midnight, UTC
 * @param marked whether its hours wait to be rolled up
 */
export async function fillDay(
  { admin, schema }: TelemetryWorld,
  devices: readonly DeviceId[],
  dayStartMs: number,
  samplesPerDevice: number,
  marked: boolean,
): Promise<void> {
  const part = `telemetry_d${new Date(dayStartMs).toISOString().slice(0, 10).replaceAll("-", "")}`;
  await admin.query("BEGIN");
  await admin.query(`SET LOCAL maintenance_work_mem = '256MB'`);
  await admin.query(`CREATE TABLE ${schema}.${part} (LIKE ${schema}.telemetry INCLUDING CONSTRAINTS)`);
  await admin.query(
    `INSERT INTO ${schema}.${part} (device_id, sample_id, at, received_at, metrics)
     SELECT d.id, lpad(to_hex(s.n * 100000 + d.place), 12, '0'), t.at, t.at + interval '200 ms',
       jsonb_build_object('cpu_percent', (s.n * 7 + d.place) % 1000 / 10.0, 'memory_used_bytes', 1000000000 + s.n * 4096)
     FROM generate_series(0, $3::int - 1) AS s(n)
     CROSS JOIN unnest($1::text[]) WITH ORDINALITY AS d(id, place)
     CROSS JOIN LATERAL (SELECT to_timestamp($2::float8 / 1000) + (s.n + d.place::float8 / $4)
       * make_interval(secs => 86400.0 / $3::int) AS at) t`,
    [devices, dayStartMs, samplesPerDevice, devices.length + 1],
  );
  await admin.query(`ALTER TABLE ${schema}.${part} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`);
  await admin.query(`ALTER TABLE ${schema}.${part} OWNER TO sentinel_provisioner`);
  await admin.query(
    `ALTER TABLE ${schema}.telemetry ATTACH PARTITION ${schema}.${part}
     FOR VALUES FROM ('${new Date(dayStartMs).toISOString()}') TO ('${new Date(dayStartMs + dayMs).toISOString()}')`,
  );
  if (marked)
    await admin.query(
      `INSERT INTO ${schema}.telemetry_dirty (device_id, hour)
     SELECT d, to_timestamp($2::float8 / 1000) + h * interval '1 hour' FROM generate_series(0, 23) h, unnest($1::text[]) d`,
      [devices, dayStartMs],
    );
  await admin.query("COMMIT");
  await admin.query(`VACUUM ANALYZE ${schema}.${part}`);
}
