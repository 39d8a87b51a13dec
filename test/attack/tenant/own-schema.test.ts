/** What SQL as a tenant's role can and can't do to that tenant itself, and to what every role shares. */
import { beforeAll, describe, expect, it } from "vitest";
import { asSuperuser, connect, type FreshTenant, freshTenant, runAs, setup } from "../../postgres/support.ts";
import { attack, checksum, denied, refusal, seedDevice } from "./support.ts";

let tenant: FreshTenant;
let neighbour: FreshTenant;
beforeAll(async () => {
  tenant = await freshTenant();
  for (neighbour = await freshTenant(); neighbour.placement !== tenant.placement; ) neighbour = await freshTenant();
  await seedDevice(tenant);
});

describe("a tenant's role, in its own schema", () => {
  it.each([
    ["a function", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"],
    [
      "a function in pg_temp",
      "CREATE FUNCTION pg_temp.scope_role() RETURNS text LANGUAGE sql AS 'SELECT ''owner''::text'",
    ],
    [
      "another body for one that is there",
      "CREATE OR REPLACE FUNCTION scope_user() RETURNS text LANGUAGE sql AS 'SELECT 1::text'",
    ],
    ["a type", "CREATE TYPE mine AS (a int)"],
    ["a domain", "CREATE DOMAIN mine AS text"],
    ["an aggregate", "CREATE AGGREGATE mine (int) (SFUNC = int4pl, STYPE = int)"],
    ["an operator in public", "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = textne)"],
    ["a cast", "CREATE CAST (text AS jsonb) WITH INOUT AS IMPLICIT"],
    ["a collation", 'CREATE COLLATION mine FROM "C"'],
    ["a sequence", "CREATE SEQUENCE mine"],
    ["a view", "CREATE VIEW mine AS SELECT 1"],
    ["a materialised view", "CREATE MATERIALIZED VIEW mine AS SELECT 1"],
    [
      "a trigger",
      "CREATE TRIGGER t BEFORE INSERT ON devices FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ],
    ["a rule", "CREATE RULE r AS ON INSERT TO devices DO ALSO NOTIFY x"],
    ["a policy", "CREATE POLICY mine ON devices USING (true)"],
    ["an index, whose expression would run for everybody", "CREATE INDEX ON devices (lower(name))"],
    ["statistics", "CREATE STATISTICS mine ON id, name FROM devices"],
    ["a comment", "COMMENT ON TABLE devices IS 'x'"],
    ["an inherited table", "CREATE TABLE mine () INHERITS (devices)"],
    ["a language", "CREATE LANGUAGE plperl"],
    ["a server to reach others by", "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw"],
    ["a subscription", "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p WITH (connect = false)"],
    ["a large table out of a query", "SELECT * INTO mine FROM devices"],
    ["a prepared transaction", "PREPARE TRANSACTION 'mine'"],
  ])("can't make %s", async (_what, text) => {
    // 42704, 42883, 55000: what it names is not installed or not enabled here, for anybody.
    expect(await refusal(attack(tenant, text))).toMatch(/^(?:42501|42704|42883|42P17|55000|25001)$/);
  });

  it("may create in no schema and has no temporary ones", async () => {
    const [row] = await attack(
      tenant,
      `SELECT (SELECT array_agg(nspname::text) FROM pg_namespace WHERE has_schema_privilege(oid, 'CREATE')) AS creates,
        has_database_privilege(current_database(), 'TEMP') AS temporary, has_database_privilege(current_database(), 'CREATE') AS schemas`,
    );
    expect(row).toEqual({ creates: null, temporary: false, schemas: false });
  });

  it.each([
    "REVOKE ALL ON ALL TABLES IN SCHEMA CURRENT_SCHEMA FROM CURRENT_USER",
    "REVOKE ALL ON devices, groups FROM CURRENT_USER CASCADE",
    "REVOKE ALL ON SCHEMA {schema} FROM CURRENT_USER",
    "REVOKE EXECUTE ON FUNCTION scope_role() FROM CURRENT_USER",
    "GRANT SELECT ON devices TO PUBLIC",
    "GRANT USAGE ON SCHEMA {schema} TO PUBLIC",
    "REASSIGN OWNED BY CURRENT_USER TO CURRENT_USER",
    "ANALYZE devices",
    "ALTER TABLE devices DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE devices NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE devices OWNER TO CURRENT_USER",
    "ALTER POLICY devices_read ON devices USING (true)",
    "DROP POLICY devices_read ON devices",
    "ALTER FUNCTION scope_role() SECURITY INVOKER",
    "ALTER FUNCTION scope_claims() RESET ALL",
    "DROP FUNCTION scope_role() CASCADE",
    "DROP TABLE devices CASCADE",
    "TRUNCATE devices CASCADE",
    "DROP SCHEMA {schema} CASCADE",
    "ALTER SCHEMA {schema} OWNER TO CURRENT_USER",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO PUBLIC",
    "ALTER DEFAULT PRIVILEGES FOR ROLE sentinel_provisioner GRANT SELECT ON TABLES TO CURRENT_USER",
    "REVOKE sentinel_tenant FROM CURRENT_USER",
    "ALTER ROLE CURRENT_USER NOLOGIN",
    "ALTER ROLE CURRENT_USER VALID UNTIL '2000-01-01'",
    "DROP ROLE {schema}",
    "DROP OWNED BY sentinel_provisioner",
    "DROP OWNED BY sentinel_tenant",
  ])("changes no right and no policy by %s, which is refused or void", async (text) => {
    const before = await checksum(tenant);
    const client = await connect(tenant.url);
    await client.query(text.replace("{schema}", tenant.name)).catch(() => undefined);
    await client.end();
    expect(await checksum(tenant)).toBe(before);
  });

  it("locks its own tables while its session lasts; nobody else waits for that, and the session is ended when it idles", async () => {
    const client = await connect(tenant.url);
    await client.query("BEGIN");
    await client.query("LOCK TABLE devices IN ACCESS EXCLUSIVE MODE");
    const waiting = attack(tenant, "SET LOCAL lock_timeout = '50ms'", "SELECT * FROM devices");
    expect(await refusal(waiting)).toBe("55P03");
    expect(await attack(neighbour, "SELECT count(*)::int AS n FROM devices")).toEqual([{ n: 0 }]);
    const { rows } = await client.query("SHOW idle_in_transaction_session_timeout");
    expect(rows).toEqual([{ idle_in_transaction_session_timeout: "30s" }]);
    await client.end();
    expect(await attack(tenant, "SELECT count(*)::int AS n FROM devices")).toEqual([{ n: 1 }]);
  });

  it("ends sessions of its own role, and of nobody else", async () => {
    const own = await connect(tenant.url);
    const ended = new Promise((resolve) => own.on("error", resolve));
    const [{ pid: ownPid }] = (await own.query("SELECT pg_backend_pid() AS pid")).rows;
    const other = await connect(neighbour.url);
    const [{ pid }] = (await other.query("SELECT pg_backend_pid() AS pid")).rows;
    for (const end of ["pg_terminate_backend", "pg_cancel_backend"]) {
      expect(await refusal(attack(tenant, `SELECT ${end}(${pid})`))).toBe(denied);
    }
    await attack(tenant, `SELECT pg_terminate_backend(${ownPid})`);
    await ended;
    expect((await other.query("SELECT 1 AS alive")).rows).toEqual([{ alive: 1 }]);
    await other.end();
  });
});

describe("DROP OWNED BY CURRENT_USER, which Postgres refuses to no role", () => {
  it("takes the tenant's policies and with them its own sight; no row is lost, and no other tenant's right", async () => {
    const victim = await freshTenant();
    await seedDevice(victim);
    const [other, rows] = [await checksum(neighbour), `SELECT count(*)::int AS n FROM ${victim.name}.devices`];
    await attack(victim, "DROP OWNED BY CURRENT_USER");
    const seen = await attack(victim, "SELECT count(*)::int AS n FROM devices").catch(() => "refused");
    expect([[{ n: 0 }], "refused"]).toContainEqual(seen);
    expect(await asSuperuser(rows, [], victim.placement)).toEqual([{ n: 1 }]);
    expect(await checksum(neighbour)).toBe(other);
  });
});

describe("what a session leaves behind", () => {
  it("is not on the connection that the next request of the role gets", async () => {
    for (let use = 0; use < 10; use += 1) {
      const left = await attack(
        tenant,
        `SELECT (SELECT count(*)::int FROM pg_prepared_statements WHERE NOT from_sql IS FALSE) AS prepared,
          (SELECT count(*)::int FROM pg_cursors WHERE name = 'left') AS cursors,
          (SELECT count(*)::int FROM pg_listening_channels()) AS channels,
          (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks,
          current_setting('search_path') AS path, current_setting('standard_conforming_strings') AS strings`,
      );
      expect(left).toEqual([{ prepared: 0, cursors: 0, channels: 0, locks: 0, path: tenant.name, strings: "on" }]);
      await attack(
        tenant,
        "PREPARE left_behind AS SELECT 'stale'",
        'DECLARE "left" CURSOR WITH HOLD FOR SELECT 1',
        "LISTEN left_behind",
        "SELECT pg_advisory_lock(7)",
        "SET search_path = pg_catalog",
        "SET standard_conforming_strings = off",
      );
    }
  });
});

describe("row level security", () => {
  it("is on and forced for every table that the tenant's role has any right to", async () => {
    const rows = await asSuperuser(
      `SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
       AND has_any_column_privilege($1::name, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
       AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1`,
      [tenant.name],
      tenant.placement,
    );
    // It holds no row of anybody's, and its owner writes it without a scope.
    expect(rows).toEqual([{ name: "telemetry_policy" }]);
  });

  it("shows the tables' owner nothing without a scope", async () => {
    const provisioner = setup.placements[tenant.placement]?.provisionerUrl as string;
    for (const table of [
      "devices",
      "enrollment_codes",
      "groups",
      "group_members",
      "commands",
      "telemetry",
      "operation_receipts",
    ]) {
      expect(await runAs(provisioner, `SELECT * FROM ${tenant.name}.${table}`)).toEqual([]);
    }
    await expect(
      runAs(provisioner, `INSERT INTO ${tenant.name}.operation_receipts (request_id) VALUES ('x')`),
    ).rejects.toMatchObject({ code: denied });
  });

  it("is asked by functions that bring along every setting by which their text is read", async () => {
    const rows = await asSuperuser(
      `SELECT p.proname AS name FROM pg_proc p WHERE p.pronamespace = $1::regnamespace AND NOT coalesce(
        p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp', 'standard_conforming_strings=on', 'transform_null_equals=off'], false)`,
      [tenant.name],
      tenant.placement,
    );
    expect(rows).toEqual([]);
  });
});
