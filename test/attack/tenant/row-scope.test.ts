import { beforeAll, describe, expect, it } from "vitest";
import { rowScopeKey, signRowScope } from "../../../core/crypto/tenant-keys.ts";
import { sql } from "../../../store/connect.ts";
import { dataConfig, type FreshTenant, freshTenant, newUserId } from "../../postgres/support.ts";
import { attack, denied, refusal } from "./support.ts";

let tenant: FreshTenant;
let other: FreshTenant;
const user = newUserId();
beforeAll(async () => {
  [tenant, other] = [await freshTenant(), await freshTenant()];
});

/** What the schema makes of a setting. */
async function claims(scope: string, of = tenant): Promise<unknown> {
  const [, rows] = await of.database.transaction([
    sql`SELECT set_config('sentinel.scope', ${scope}, true)`,
    sql`SELECT scope_role() AS role, scope_user() AS "user"`,
  ]);
  return rows?.[0];
}
const nobody = { role: null, user: null };

describe("a row scope", () => {
  it("holds as it was signed", async () => {
    expect(await claims(await tenant.rowScope("viewer", user))).toEqual({ role: "viewer", user });
    expect(await claims(await tenant.rowScope("system"))).toEqual({ role: "system", user: null });
  });

  it("is nobody's when it is absent", async () => {
    expect(await tenant.database.query(sql`SELECT scope_role() AS role, scope_user() AS "user"`)).toEqual([nobody]);
  });

  it("is nobody's once it has expired", async () => {
    expect(await claims(await tenant.rowScope("owner", user, Date.now() - 1000))).toEqual(nobody);
  });

  it("expires inside a transaction that was begun before: held open, it shows nothing more", async () => {
    const scope = await tenant.rowScope("owner", user, Date.now() + 2000);
    const [, before, , after] = await tenant.database.transaction([
      sql`SELECT set_config('sentinel.scope', ${scope}, true)`,
      sql`SELECT scope_role() AS role`,
      sql`SELECT pg_sleep(2.1)`,
      sql`SELECT scope_role() AS role`,
    ]);
    expect([before, after]).toEqual([[{ role: "owner" }], [{ role: null }]]);
  });

  it("is nobody's in another tenant's schema: copied, it is worth nothing", async () => {
    expect(await claims(await other.rowScope("owner", user))).toEqual(nobody);
  });

  it("is nobody's with any character changed", async () => {
    const scope = await tenant.rowScope("viewer", user);
    for (let index = 0; index < scope.length; index += 7) {
      const changed = scope[index] === "A" ? "B" : "A";
      expect(await claims(scope.slice(0, index) + changed + scope.slice(index + 1)), `character ${index}`).toEqual(
        nobody,
      );
    }
  });

  it("can't be raised: the claims of an owner under a viewer's signature are nobody's", async () => {
    const viewer = await tenant.rowScope("viewer", user);
    const raised = Buffer.from(JSON.stringify({ u: user, r: "owner", exp: 9999999999 })).toString("base64url");
    expect(await claims(`v1.${raised}.${viewer.split(".")[2]}`)).toEqual(nobody);
  });

  it("is nobody's under a key of one's own, an empty one or that of another purpose", async () => {
    const scope = { user, role: "owner", expiresAtMs: Date.now() + 60_000 } as const;
    for (const key of [
      new Uint8Array(32),
      crypto.getRandomValues(new Uint8Array(32)),
      await rowScopeKey(dataConfig.root, other.org),
    ]) {
      expect(await claims(await signRowScope(key, scope))).toEqual(nobody);
    }
  });

  it("is nobody's for a role that doesn't exist, though it be signed", async () => {
    expect(await claims(await tenant.rowScope("superuser" as "owner", user))).toEqual(nobody);
  });

  it.each([
    ["nothing"],
    ["v1"],
    ["v1.."],
    ["v1.e30.AAAA"],
    ["v2.e30.".concat("A".repeat(43))],
    [`v1.${"A".repeat(2000)}.${"A".repeat(43)}`],
    ["v1.***.".concat("A".repeat(43))],
    ["\u0001'; DROP TABLE devices; --"],
  ])("is nobody's and no error when it is malformed: %s", async (text) => {
    expect(await claims(text)).toEqual(nobody);
  });
});

describe("hostile SQL that wants more rows of its own tenant", () => {
  it("can't read the key that signs scopes", async () => {
    expect(await refusal(attack(tenant, "SELECT * FROM scope_key"))).toBe(denied);
  });

  it("can't call the function that sees the claims, nor replace those that use them", async () => {
    expect(await refusal(attack(tenant, "SELECT scope_claims()"))).toBe(denied);
    expect(await refusal(attack(tenant, "ALTER FUNCTION scope_role() SET search_path = mine"))).toBe(denied);
  });

  it("can't turn row-level security off", async () => {
    expect(await refusal(attack(tenant, "ALTER TABLE devices DISABLE ROW LEVEL SECURITY"))).toBe(denied);
    // With the setting off a query that a policy would filter is an error, not a way around it.
    expect(await refusal(attack(tenant, "SET row_security = off", "SELECT * FROM devices"))).toBe(denied);
  });

  it("can't mislead the functions with operators, tables or types of its own: it can make none", async () => {
    expect(await refusal(attack(tenant, "CREATE TEMP TABLE scope_key (inner_pad bytea)"))).toBe(denied);
    expect(
      await refusal(attack(tenant, "CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = textne)")),
    ).toBe(denied);
  });

  it("does not change what they say with its own search_path", async () => {
    const scope = await tenant.rowScope("viewer", user);
    const [, , rows] = await tenant.database.transaction([
      sql`SELECT set_config('sentinel.scope', ${scope}, true)`,
      sql`SELECT set_config('search_path', 'pg_temp, public', true)`,
      sql`SELECT current_setting('search_path') AS path`,
    ]);
    expect(rows).toEqual([{ path: "pg_temp, public" }]);
    const look = `SELECT ${tenant.name}.scope_role() AS role`;
    expect(await attack(tenant, "SET LOCAL search_path = pg_temp, public", look)).toEqual([{ role: "owner" }]);
  });

  it("sees and writes nothing without a scope", async () => {
    expect(await tenant.database.query(sql`SELECT * FROM devices`)).toEqual([]);
    const write = tenant.database.query(sql`INSERT INTO operation_receipts (request_id) VALUES ('forged')`);
    expect(await refusal(write)).toBe(denied);
  });
});
