import { beforeAll, describe, expect, it } from "vitest";
import type { DeviceId, UserId } from "../../../core/ids.ts";
import { makeId } from "../../../core/ids.ts";
import { sql, unsafeRawSql } from "../../../store/connect.ts";
import {
  asOwner,
  dayPartition,
  hourMs,
  midnight,
  openJob,
  partitions,
  rollUp,
  store,
} from "../../postgres/data/telemetry-kit.ts";
import { type FreshTenant, freshTenant, newUserId } from "../../postgres/support.ts";
import { attack, denied, refusal } from "./support.ts";

/** Hostile SQL in the session of a request, against telemetry of the same organisation that is not for its user. */
let tenant: FreshTenant;
let viewer: UserId;
const random = () => crypto.getRandomValues(new Uint8Array(10));
const mine: DeviceId = makeId("device", Date.now(), random());
const hidden: DeviceId = makeId("device", Date.now(), random());
const atMs = midnight(2);
const month = `telemetry_minutes_m${new Date(atMs).toISOString().slice(0, 7).replace("-", "")}`;
const year = `telemetry_hours_y${new Date(atMs).toISOString().slice(0, 4)}`;
const parents = ["telemetry", "telemetry_minutes", "telemetry_hours", "telemetry_dirty"];

beforeAll(async () => {
  tenant = await freshTenant();
  viewer = newUserId();
  const group = makeId("group", Date.now(), random());
  const code = makeId("enrollmentCode", Date.now(), random());
  await asOwner(
    tenant,
    `INSERT INTO {schema}.enrollment_codes (id, code_sha256, name, expires_at, max_uses, created_by)
       VALUES ('${code}', repeat('0', 64), 'x', now(), 1, 'usr');
     INSERT INTO {schema}.devices (id, name, platform, token_sha256, enrollment_code_id)
       SELECT id, 'x', 'x', repeat('0', 64), '${code}' FROM unnest(ARRAY['${mine}', '${hidden}']) id;
     INSERT INTO {schema}.groups (id, name) VALUES ('${group}', 'x');
     INSERT INTO {schema}.group_devices VALUES ('${group}', '${mine}');
     INSERT INTO {schema}.group_members VALUES ('${group}', '${viewer}')`,
  );
  const both = [mine, hidden];
  await store(
    tenant,
    both.map((device) => ({ device, id: "a", atMs, metrics: { cpu: 1 } })),
  );
  await rollUp(tenant);
  // Hours that wait, too.
  await store(
    tenant,
    both.map((device) => ({ device, id: "b", atMs: atMs + hourMs, metrics: { cpu: 1 } })),
  );
});

/** Devices that a query names, under a role's scope. */
const seen = async (role: "viewer" | "analyst" | "readonly" | "owner", table: string): Promise<unknown[]> => {
  const [rows] = await tenant.run(role, viewer, sql`SELECT DISTINCT device_id FROM ${unsafeRawSql(table)} ORDER BY 1`);
  return (rows ?? []).map((row) => row["device_id"]);
};

describe("hostile SQL against telemetry within an organisation", () => {
  it.each(parents)("sees of %s the devices of its user's groups", async (table) => {
    for (const role of ["viewer", "analyst"] as const) expect(await seen(role, table)).toEqual([mine]);
    for (const role of ["owner", "readonly"] as const) expect(await seen(role, table)).toEqual([mine, hidden].sort());
  });

  it("finds a partition under each table, and neither the tenant's role nor a job reads one around its table", async () => {
    const names = (await Promise.all(parents.slice(0, 3).map((parent) => partitions(tenant, parent)))).flat();
    expect(names).toEqual([dayPartition(atMs), month, year]);
    for (const name of names) {
      expect(await refusal(attack(tenant, `SELECT * FROM ${name}`)), name).toBe(denied);
      const scoped = tenant.run("system", null, sql`SELECT * FROM ${unsafeRawSql(name)}`);
      expect(await refusal(scoped), name).toBe(denied);
      expect(await refusal(attack(tenant, `COPY ${name} TO STDOUT`)), name).toBe(denied);
    }
  });

  it("reads no partition even with a grant that was made by mistake: there is no policy on it, and the owner is bound too", async () => {
    const part = dayPartition(atMs);
    await asOwner(tenant, `GRANT SELECT ON {schema}.${part} TO ${tenant.name}`);
    expect(await attack(tenant, `SELECT * FROM ${part}`)).toEqual([]);
    await asOwner(tenant, `REVOKE SELECT ON {schema}.${part} FROM ${tenant.name}`);
    const [flags] = await asOwner(
      tenant,
      `SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = '{schema}.${part}'::regclass`,
    );
    expect(flags).toEqual({ relrowsecurity: true, relforcerowsecurity: true });
  });

  const writes = (table: string): string[] => [
    `INSERT INTO ${table} SELECT * FROM ${table} LIMIT 1`,
    table === "telemetry_policy" ? `UPDATE ${table} SET raw_days = 400` : `UPDATE ${table} SET device_id = '${mine}'`,
    `DELETE FROM ${table}`,
    `TRUNCATE ${table}`,
    `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`,
    `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY all_of_it ON ${table} USING (true)`,
    `DROP TABLE ${table}`,
  ];
  it.each([...parents, "telemetry_policy", dayPartition(atMs), month, year])(
    "changes nothing of %s, as owner or job",
    async (table) => {
      for (const text of writes(table)) {
        expect(await refusal(attack(tenant, text)), text).toBe(denied);
        expect(await refusal(tenant.run("system", null, sql`${unsafeRawSql(text)}`)), text).toBe(denied);
      }
    },
  );

  it.each(["telemetry_retimed", "telemetry_removed"])("changes nothing of %s, and nobody sees it", async (table) => {
    const gone = makeId("device", Date.now(), random());
    const values = table === "telemetry_retimed" ? `'${gone}', 'x', now()` : `'${gone}', now(), now()`;
    await asOwner(tenant, `INSERT INTO {schema}.${table} VALUES (${values})`);
    for (const role of ["owner", "admin", "viewer"] as const)
      expect(await tenant.run(role, viewer, sql`SELECT * FROM ${unsafeRawSql(table)}`)).toEqual([[]]);
    // A backup, which is one of the jobs, misses no row.
    expect((await tenant.run("system", null, sql`SELECT * FROM ${unsafeRawSql(table)}`))[0]).toHaveLength(1);
    for (const text of writes(table))
      expect(await refusal(tenant.run("system", null, sql`${unsafeRawSql(text)}`)), text).toBe(denied);
  });

  it("makes no partition, takes none off and puts none on", async () => {
    for (const text of [
      `CREATE TABLE mine PARTITION OF telemetry FOR VALUES FROM ('2030-01-01') TO ('2030-01-02')`,
      `CREATE TABLE ${tenant.name}.mine (LIKE telemetry)`,
      `ALTER TABLE telemetry DETACH PARTITION ${dayPartition(atMs)}`,
      `SELECT telemetry_partition('telemetry', 'telemetry_d20300101', '2030-01-01', '2030-01-02')`,
      `SELECT telemetry_make_days(ARRAY['2030-01-01'::date])`,
      `SELECT telemetry_move_some(1)`,
      `SELECT telemetry_require_system()`,
      `ALTER FUNCTION telemetry_retain() SECURITY INVOKER`,
    ])
      expect(await refusal(attack(tenant, text)), text).toBe(denied);
  });

  it.each([
    `telemetry_store('[{"device": "${hidden}", "sample": "forged", "at_ms": 0, "received_ms": 0, "metrics": {}}]')`,
    "telemetry_roll_up(1)",
    "telemetry_retain()",
    "telemetry_sweep(1)",
    "telemetry_move(1)",
  ])("does not do a job's work: %s is refused to everybody else, and without a scope", async (call) => {
    for (const role of ["owner", "admin", "analyst", "viewer", "readonly"] as const)
      expect(await refusal(tenant.run(role, viewer, sql`SELECT * FROM ${unsafeRawSql(call)}`)), role).toBe(denied);
    expect(await refusal(tenant.database.transaction([sql`SELECT * FROM ${unsafeRawSql(call)}`]))).toBe(denied);
  });

  it("leads no function astray with a search_path, a table or a setting of its session", async () => {
    const job = await openJob(tenant);
    await job.query("SELECT set_config('search_path', 'pg_temp, ' || current_user, true)");
    await job.query("SET LOCAL timezone = 'Asia/Kolkata'");
    await job.query("SET LOCAL datestyle = 'German, DMY'");
    const late = {
      device: mine,
      sample: "c",
      at_ms: midnight(4) + 23 * hourMs,
      received_ms: Date.now(),
      metrics: { cpu: 5 },
    };
    await job.query("SELECT telemetry_store($1::json)", [JSON.stringify([late])]);
    await job.query("SELECT telemetry_roll_up(100)");
    await job.commit();
    expect(await partitions(tenant, "telemetry")).toContain(dayPartition(midnight(4)));
    const [rows] = await tenant.run(
      "system",
      null,
      sql`SELECT start, slots FROM telemetry_hours WHERE device_id = ${mine} AND metric = 'cpu' ORDER BY start LIMIT 1`,
    );
    expect(rows).toEqual([{ start: new Date(midnight(4)), slots: [23] }]);
  });
});
