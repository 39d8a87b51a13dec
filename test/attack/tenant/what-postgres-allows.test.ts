/**
 * What Postgres lets a tenant's role do, and no REVOKE by a role that is no superuser prevents.
 * Each test shows that it is possible and how it is bounded or repaired; SECURITY.md lists them.
 */

import { describe, expect, it } from "vitest";
import { sql } from "../../../store/connect.ts";
import { createTenant } from "../../../workers/data/provisioner/create-tenant.ts";
import { tenantConnectionsMax } from "../../../workers/data/provisioner/tenant-role.ts";
import {
  connect,
  dataConfig,
  type FreshTenant,
  freshTenant,
  newRequestId,
  runAs,
  setup,
  tenantMigrations,
} from "../../postgres/support.ts";
import { scopeOf } from "../../support/scopes.ts";
import { attack, denied, refusal } from "./support.ts";

const repair = (tenant: FreshTenant) => createTenant(dataConfig, scopeOf(tenant.org), tenantMigrations);

describe("allowed by Postgres, and bounded", () => {
  it("changes its own password; the provisioner finds and repairs it, and no data is lost", async () => {
    const tenant = await freshTenant();
    await tenant.run("system", null, sql`INSERT INTO operation_receipts (request_id) VALUES (${newRequestId()})`);
    await attack(tenant, "ALTER ROLE CURRENT_USER PASSWORD 'mine now'");
    // A connection that the pool holds stays open; a new one shows that the derived password is refused.
    await expect(connect(tenant.url)).rejects.toMatchObject({ code: "28P01" });
    expect((await repair(tenant)).repaired).toContain("password");
    await (await connect(tenant.url)).end();
    const [kept] = await tenant.run("system", null, sql`SELECT count(*)::int AS n FROM operation_receipts`);
    expect(kept).toEqual([{ n: 1 }]);
    expect((await repair(tenant)).repaired).toEqual([]);
  });

  it("changes how its own sessions start; the provisioner finds and repairs it", async () => {
    const tenant = await freshTenant();
    await attack(tenant, "ALTER ROLE CURRENT_USER SET search_path = pg_catalog");
    await attack(tenant, "ALTER ROLE CURRENT_USER IN DATABASE sentinel SET statement_timeout = 0");
    await attack(tenant, "ALTER ROLE CURRENT_USER SET default_transaction_read_only = on");
    expect((await repair(tenant)).repaired).toEqual(["settings"]);
    const client = await connect(tenant.url);
    const { rows } = await client.query(
      "SELECT current_setting('search_path') AS path, current_setting('statement_timeout') AS timeout, current_setting('transaction_read_only') AS readonly",
    );
    await client.end();
    expect(rows).toEqual([{ path: tenant.name, timeout: "10s", readonly: "off" }]);
  });

  it("sets its statement_timeout; the number of its sessions it can't set", async () => {
    const tenant = await freshTenant();
    expect(await attack(tenant, "SET LOCAL statement_timeout = 0", "SHOW statement_timeout")).toEqual([
      { statement_timeout: "0" },
    ]);
    expect(await refusal(attack(tenant, "ALTER ROLE CURRENT_USER CONNECTION LIMIT 1000"))).toBe(denied);
    const clients: Awaited<ReturnType<typeof connect>>[] = [];
    let refused: unknown = null;
    for (let index = 0; index < tenantConnectionsMax + 1 && refused === null; index += 1) {
      await connect(tenant.url).then(
        (client) => clients.push(client),
        (error: unknown) => {
          refused = error;
        },
      );
    }
    await Promise.all(clients.map((client) => client.end()));
    expect(refused).toMatchObject({ code: "53300" });
    expect(clients.length).toBeLessThanOrEqual(tenantConnectionsMax);
  });

  it("is stopped by its statement_timeout while it leaves that alone", async () => {
    const tenant = await freshTenant();
    expect(await refusal(attack(tenant, "SET LOCAL statement_timeout = '100ms'", "SELECT pg_sleep(10)"))).toBe("57014");
    expect(await attack(tenant, "SHOW statement_timeout")).toEqual([{ statement_timeout: "10s" }]);
  });

  it("takes an advisory lock that stands in another tenant's way; nothing of Sentinel takes one, and its end frees it", async () => {
    const [holder, another] = [await freshTenant(), await freshTenant()];
    const client = await connect(holder.url);
    await client.query("SELECT pg_advisory_lock(1)");
    // Provisioning and writing go on while it is held.
    await repair(another);
    await repair(holder);
    await another.run("system", null, sql`INSERT INTO operation_receipts (request_id) VALUES (${newRequestId()})`);
    await client.end();
  });

  it("sends NOTIFY to whoever listens in the database; nothing of Sentinel does", async () => {
    const tenant = await freshTenant();
    await attack(tenant, "SELECT pg_notify('anything', 'payload')");
    const owner = setup.ownerUrls[tenant.placement]!;
    const rows = await runAs(
      owner,
      "SELECT count(*)::int AS listeners FROM pg_stat_activity WHERE query ILIKE 'LISTEN%'",
    );
    expect(rows).toEqual([{ listeners: 0 }]);
  });

  it("reads the catalogue: other tenants' ids and table names are no secret to it, their rows are", async () => {
    const [curious, another] = [await freshTenant(), await freshTenant()];
    const rows = await attack(curious, `SELECT count(*)::int AS n FROM pg_namespace WHERE nspname ~ '^t_'`);
    expect(rows[0]?.["n"]).toBeGreaterThanOrEqual(1);
    expect(await refusal(attack(curious, `SELECT * FROM ${another.name}.devices`))).toMatch(/^(?:42501|42P01)$/);
  });

  it("makes large objects; the provisioner finds and removes them, and nobody else can read them", async () => {
    const tenant = await freshTenant();
    const [made] = await attack(tenant, "SELECT lo_from_bytea(0, 'hidden') AS oid");
    const other = await freshTenant();
    expect(await refusal(attack(other, `SELECT lo_get(${made?.["oid"]})`))).toMatch(/^(?:42501|42704)$/);
    expect((await repair(tenant)).repaired).toEqual(["large_objects"]);
    const left = await runAs(
      setup.ownerUrls[tenant.placement]!,
      "SELECT 1 FROM pg_largeobject_metadata WHERE lomowner = $1::regrole",
      [tenant.name],
    );
    expect(left).toEqual([]);
  });

  it("leaves the provisioner no member of the tenant's role after a repair", async () => {
    const tenant = await freshTenant();
    await attack(tenant, "SELECT lo_from_bytea(0, 'hidden')");
    await repair(tenant);
    const rows = await runAs(
      setup.ownerUrls[tenant.placement]!,
      "SELECT bool_or(set_option OR inherit_option) AS acting FROM pg_auth_members WHERE roleid = $1::regrole",
      [tenant.name],
    );
    expect(rows).toEqual([{ acting: false }]);
  });

  it("uses scratch space for large sorts; the server caps it", async () => {
    const tenant = await freshTenant();
    expect(await attack(tenant, "SHOW temp_file_limit")).toEqual([{ temp_file_limit: "1GB" }]);
    expect(await refusal(attack(tenant, "SET temp_file_limit = -1"))).toBe(denied);
  });
});
