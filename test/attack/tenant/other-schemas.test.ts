import { beforeAll, describe, expect, it } from "vitest";
import type { DeviceId } from "../../../core/ids.ts";
import { sql } from "../../../store/connect.ts";
import { ingestWork } from "../../../workers/data/ingest/statements.ts";
import { connect, type FreshTenant, freshTenant, newOrgId } from "../../postgres/support.ts";
import { attack, denied, refusal } from "./support.ts";

let attacker: FreshTenant;
let victim: FreshTenant;
const victimDevice = "dev_01h455vb4pex5vsknk084sn02q" as DeviceId;

beforeAll(async () => {
  // On the first placement, where the control plane is.
  for (attacker = await freshTenant(); attacker.placement !== "first"; ) attacker = await freshTenant();
  // On the same cluster and database, where nothing but rights stands between them.
  for (victim = await freshTenant(); victim.placement !== attacker.placement; ) victim = await freshTenant(newOrgId());
  await victim.run(
    "system",
    null,
    ...ingestWork([
      {
        kind: "telemetry",
        device: victimDevice,
        sampleId: "s",
        at: new Date().toISOString(),
        receivedAt: new Date().toISOString(),
        metrics: { cpu_percent: 1 },
      },
    ]).statements,
  );
});

describe("hostile SQL through a tenant's connection, against another tenant's schema", () => {
  it.each([
    ["reads its rows", (v: string) => `SELECT * FROM ${v}.telemetry`],
    [
      "reads them through its own search_path",
      (v: string) => `SELECT set_config('search_path', '${v}', false), (SELECT count(*) FROM ${v}.devices)`,
    ],
    [
      "reads them in a sub-select, a CTE or a join",
      (v: string) => `WITH x AS (SELECT * FROM ${v}.devices) SELECT * FROM x`,
    ],
    ["inserts", (v: string) => `INSERT INTO ${v}.telemetry VALUES ('${victimDevice}', 't', now(), now(), '{}')`],
    ["updates", (v: string) => `UPDATE ${v}.devices SET online = true`],
    ["deletes", (v: string) => `DELETE FROM ${v}.devices`],
    ["truncates", (v: string) => `TRUNCATE ${v}.telemetry`],
    ["drops a table", (v: string) => `DROP TABLE ${v}.telemetry`],
    ["drops the schema", (v: string) => `DROP SCHEMA ${v} CASCADE`],
    ["creates in it", (v: string) => `CREATE TABLE ${v}.mine (i int)`],
    ["locks its table", (v: string) => `LOCK TABLE ${v}.telemetry IN ACCESS EXCLUSIVE MODE`],
    ["turns its row-level security off", (v: string) => `ALTER TABLE ${v}.devices DISABLE ROW LEVEL SECURITY`],
    ["calls its SECURITY DEFINER functions", (v: string) => `SELECT ${v}.scope_role()`],
    ["reads its scope key", (v: string) => `SELECT * FROM ${v}.scope_key`],
    ["reads its migrations", (v: string) => `SELECT * FROM ${v}.schema_migrations`],
    ["copies it out", (v: string) => `COPY ${v}.telemetry TO STDOUT`],
    ["grants itself the schema", (v: string) => `GRANT ALL ON SCHEMA ${v} TO CURRENT_USER`],
    ["makes a view of it", (v: string) => `CREATE VIEW peek AS SELECT * FROM ${v}.telemetry`],
    [
      "analyses it for its statistics",
      (v: string) =>
        `SELECT * FROM pg_stats WHERE schemaname = '${v}' UNION ALL SELECT * FROM pg_stats WHERE 1 / (SELECT count(*) FROM ${v}.devices) = 0`,
    ],
  ])("%s: refused", async (_what, text) => {
    expect(await refusal(attack(attacker, text(victim.name)))).toBe(denied);
  });

  it("finds no rows after setting search_path to it: names resolve, rights don't", async () => {
    expect(await refusal(attack(attacker, `SET search_path = ${victim.name}`, "SELECT * FROM telemetry"))).toBe(
      "42P01",
    );
  });

  it("learns nothing of its data from the planner's statistics", async () => {
    expect(await attack(attacker, `SELECT * FROM pg_stats WHERE schemaname = '${victim.name}'`)).toEqual([]);
  });

  it("does not see its sessions' queries", async () => {
    const rows = await attack(
      attacker,
      `SELECT count(*)::int AS seen FROM pg_stat_activity WHERE usename IS DISTINCT FROM current_user AND query NOT IN ('<insufficient privilege>', '')`,
    );
    expect(rows).toEqual([{ seen: 0 }]);
  });

  it("leaves it as it was", async () => {
    const [rows] = await victim.run("system", null, sql`SELECT count(*)::int AS kept FROM telemetry`);
    expect(rows).toEqual([{ kept: 1 }]);
  });
});

describe("hostile SQL through a tenant's connection, against the platform", () => {
  it.each([
    ["reads the control plane", "SELECT * FROM control.placements"],
    ["reads the audit log", "SELECT * FROM audit.events"],
    ["writes the audit log", "INSERT INTO audit.events (log) VALUES ('x')"],
    ["erases people from it", "DELETE FROM audit.personal_fields"],
    ["reads migrations", "SELECT * FROM migrations.applied"],
    ["reads password verifiers", "SELECT rolpassword FROM pg_authid"],
    ["reads them another way", "SELECT passwd FROM pg_shadow WHERE passwd <> '********'"],
    ["reads large objects of others", "SELECT * FROM pg_largeobject"],
    ["reads host-based authentication", "SELECT * FROM pg_hba_file_rules"],
    ["reads the server's files", "SELECT pg_read_file('postgresql.conf')"],
    ["lists the server's files", "SELECT pg_ls_dir('.')"],
    ["imports a file", "SELECT lo_import('/etc/passwd')"],
    ["exports a file", "SELECT lo_export(1, '/tmp/sentinel-attack')"],
    ["runs a program", "COPY (SELECT 1) TO PROGRAM 'true'"],
    ["writes a file", "COPY (SELECT 1) TO '/tmp/sentinel-attack'"],
    ["makes a table in public", "CREATE TABLE public.mine (i int)"],
    ["makes a table in its own schema", "CREATE TABLE mine (i int)"],
    [
      "makes a function in its own schema",
      "CREATE FUNCTION scope_role() RETURNS text LANGUAGE sql AS 'SELECT ''owner'''",
    ],
    ["makes a temporary table", "CREATE TEMP TABLE mine (i int)"],
    ["makes a schema", "CREATE SCHEMA mine"],
    ["installs dblink", "CREATE EXTENSION dblink"],
    ["installs a trusted extension", "CREATE EXTENSION pgcrypto"],
    ["makes a foreign data wrapper", "CREATE FOREIGN DATA WRAPPER mine"],
    ["makes an event trigger", "CREATE EVENT TRIGGER t ON ddl_command_start EXECUTE FUNCTION scope_role()"],
    ["makes a publication", "CREATE PUBLICATION p"],
    ["starts replication", "SELECT pg_create_logical_replication_slot('s', 'pgoutput')"],
    ["reloads the server", "SELECT pg_reload_conf()"],
    [
      "ends others' sessions",
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'sentinel_provisioner' UNION ALL SELECT pg_reload_conf()",
    ],
    ["logs what others run", "SET log_statement = 'all'"],
    ["skips triggers", "SET session_replication_role = replica"],
    ["loads a library", "LOAD '/tmp/evil.so'"],
  ])("%s: refused", async (_what, text) => {
    expect(await refusal(attack(attacker, text))).toBe(denied);
  });

  it.each(["CREATE DATABASE mine", "ALTER SYSTEM SET fsync = off", "DROP DATABASE sentinel"])(
    "%s, outside a transaction: refused",
    async (text) => {
      const client = await connect(attacker.url);
      await expect(client.query(text)).rejects.toMatchObject({ code: denied });
      await client.end();
    },
  );
});
