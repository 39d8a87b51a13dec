import { beforeAll, describe, expect, it } from "vitest";
import { createDatabase, sql } from "../../../store/connect.ts";
import { connect, type FreshTenant, freshTenant, gateway, setup } from "../../postgres/support.ts";
import { attack, denied, refusal } from "./support.ts";

let attacker: FreshTenant;
let victim: FreshTenant;
beforeAll(async () => {
  attacker = await freshTenant();
  for (victim = await freshTenant(); victim.placement !== attacker.placement; ) victim = await freshTenant();
});

const platformRoles = [
  "sentinel_owner",
  "sentinel_provisioner",
  "sentinel_audit_writer",
  "sentinel_tenant",
  "postgres",
  "pg_read_all_data",
];

describe("a tenant's role", () => {
  it.each(platformRoles)("can't become %s", async (role) => {
    expect(await refusal(attack(attacker, `SET ROLE ${role}`))).toBe(denied);
    expect(await refusal(attack(attacker, `SET SESSION AUTHORIZATION ${role}`))).toBe(denied);
    expect(await refusal(attack(attacker, `GRANT ${role} TO CURRENT_USER`))).toBe(denied);
  });

  it("can't become another tenant", async () => {
    expect(await refusal(attack(attacker, `SET ROLE ${victim.name}`))).toBe(denied);
    expect(await refusal(attack(attacker, `SET SESSION AUTHORIZATION ${victim.name}`))).toBe(denied);
    expect(await refusal(attack(attacker, `SELECT set_config('role', '${victim.name}', false)`))).toBe(denied);
  });

  it("finds nobody above itself with RESET ROLE", async () => {
    const rows = await attack(
      attacker,
      "RESET ROLE",
      "SELECT current_user = session_user AND current_user = $1 AS same".replace("$1", `'${attacker.name}'`),
    );
    expect(rows).toEqual([{ same: true }]);
  });

  it.each([
    ["another tenant's password", (v: string) => `ALTER ROLE ${v} PASSWORD 'stolen'`],
    ["another tenant's settings", (v: string) => `ALTER ROLE ${v} SET search_path = public`],
    ["its own rights", () => "ALTER ROLE CURRENT_USER CREATEROLE"],
    ["its own way past row security", () => "ALTER ROLE CURRENT_USER BYPASSRLS"],
    ["its own connection limit", () => "ALTER ROLE CURRENT_USER CONNECTION LIMIT -1"],
    ["its own expiry", () => "ALTER ROLE CURRENT_USER VALID UNTIL 'infinity'"],
    ["another's name", (v: string) => `ALTER ROLE ${v} RENAME TO ${v}x`],
    ["everybody's settings", () => "ALTER ROLE ALL SET search_path = public"],
    ["the database's settings", () => "ALTER DATABASE sentinel SET search_path = public"],
  ])("can't change %s", async (_what, text) => {
    expect(await refusal(attack(attacker, text(victim.name)))).toBe(denied);
  });

  it("can't make or drop roles", async () => {
    expect(await refusal(attack(attacker, "CREATE ROLE mine LOGIN"))).toBe(denied);
    expect(await refusal(attack(attacker, `DROP ROLE ${victim.name}`))).toBe(denied);
  });

  it("is refused with its own password under another tenant's name", async () => {
    const url = attacker.url.replace(attacker.name, victim.name);
    expect(await refusal(createDatabase({ url, gateway }).query(sql`SELECT 1`))).toBe("28P01");
  });

  it("is refused without a password, over loopback too: no line of the server trusts anybody", async () => {
    const { host } = new URL(attacker.url);
    await expect(connect(`postgres://${attacker.name}@${host}/sentinel`)).rejects.toThrow(/password/);
  });

  it("may connect to its own database only", async () => {
    const { host } = new URL(attacker.url);
    for (const database of ["postgres", "template1"]) {
      await expect(
        connect(`postgres://${attacker.name}:${attacker.password}@${host}/${database}`),
      ).rejects.toMatchObject({ code: denied });
    }
  });

  it("does not exist on the other placement", async () => {
    const other = Object.entries(setup.placements).find(([name]) => name !== attacker.placement)?.[1].tenantHost;
    const url = `postgres://${attacker.name}:${attacker.password}@${other}`;
    expect(await refusal(createDatabase({ url, gateway }).query(sql`SELECT 1`))).toBe("28P01");
  });
});
