import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { describeTenant } from "../../../scripts/migrate/schema/versions.ts";
import { asSuperuser, freshTenant, newUserId, tenantMigrations } from "../support.ts";
import { backUp, contentOf, fillTenant, ownerOf, restore } from "./kit.ts";

const key = randomBytes(32);
const slow = { timeout: 300_000 };

describe("a backup", () => {
  it("is of one moment: what changes while it is written is not in it", slow, async () => {
    const tenant = await freshTenant();
    await fillTenant(tenant, 50);
    const before = await contentOf(tenant);
    const { file } = await backUp(tenant, key, async () => {
      await asSuperuser(`DELETE FROM ${tenant.name}.telemetry`, [], tenant.placement);
      await asSuperuser(`DELETE FROM ${tenant.name}.commands`, [], tenant.placement);
      await asSuperuser(
        `INSERT INTO ${tenant.name}.group_members SELECT id, 'usr_late' FROM ${tenant.name}.groups`,
        [],
        tenant.placement,
      );
    });
    await restore(tenant, file, key);
    expect(await contentOf(tenant)).toEqual(before);
  });

  it.each([
    ["the policy is gone", (schema: string) => `DROP POLICY backup_read ON ${schema}.commands`],
    [
      "the policy lets fewer rows through",
      (schema: string) =>
        `ALTER POLICY backup_read ON ${schema}.commands USING (name <> 'secret' AND (SELECT ${schema}.scope_role()) = 'system')`,
    ],
    [
      "another policy takes rows away",
      (schema: string) => `CREATE POLICY less ON ${schema}.commands AS RESTRICTIVE FOR SELECT USING (name <> 'secret')`,
    ],
    [
      "a table is new and has none",
      (schema: string) =>
        `CREATE TABLE ${schema}.notes (id text); ALTER TABLE ${schema}.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`,
    ],
  ])("is refused rather than made without some rows: %s", slow, async (_, change) => {
    const tenant = await freshTenant();
    await asSuperuser(change(tenant.name), [], tenant.placement);
    await expect(backUp(tenant, key)).rejects.toMatchObject({ name: "CatalogueRefused", code: "unreadable_table" });
  });

  it("is refused when the schema does not take the scope, instead of holding no rows", slow, async () => {
    const tenant = await freshTenant();
    await asSuperuser(`UPDATE ${tenant.name}.scope_key SET inner_pad = outer_pad`, [], tenant.placement);
    await asSuperuser(
      `ALTER FUNCTION ${tenant.name}.scope_claims() RENAME TO gone; CREATE FUNCTION ${tenant.name}.scope_claims() RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb'`,
      [],
      tenant.placement,
    );
    await expect(backUp(tenant, key)).rejects.toMatchObject({ name: "ScopeLost" });
  });
});

describe("a restore", () => {
  it("leaves everything as it was when the file is cut off, changed, or opened with another key", slow, async () => {
    const tenant = await freshTenant();
    await fillTenant(tenant, 50);
    const { file } = await backUp(tenant, key);
    const [member] = [newUserId()];
    await asSuperuser(`UPDATE ${tenant.name}.group_members SET user_id = $1`, [member], tenant.placement);
    const now = await contentOf(tenant);
    const changed = Buffer.from(file);
    changed[changed.length - 3]! ^= 1;
    for (const [bad, with_] of [
      [file.subarray(0, -1), key],
      [changed, key],
      [file, randomBytes(32)],
    ] as const) {
      await expect(restore(tenant, bad, with_)).rejects.toMatchObject({ name: "BackupRefused" });
      expect(await contentOf(tenant)).toEqual(now);
    }
  });

  it("puts nothing over another organisation that has devices", slow, async () => {
    const [from, into] = [await freshTenant(), await freshTenant()];
    await fillTenant(from, 5);
    await fillTenant(into, 5);
    const now = await contentOf(into);
    await expect(restore(into, (await backUp(from, key)).file, key)).rejects.toMatchObject({ code: "not_empty" });
    expect(await contentOf(into)).toEqual(now);
  });

  it("brings a backup of an older migration to the newest, with the rows that it had", slow, async () => {
    const tenant = await freshTenant();
    await fillTenant(tenant, 20);
    const before = await contentOf(tenant);
    const { file, header } = await backUp(tenant, key);
    const text = "ALTER TABLE {{schema}}.groups ADD COLUMN colour text NOT NULL DEFAULT 'blue';";
    const later = {
      number: header.schema + 1,
      name: "9999_colour.sql",
      sql: text,
      checksum: createHash("sha256").update(text).digest("hex"),
    };
    await restore(tenant, file, key, [...tenantMigrations, later]);
    expect(await asSuperuser(`SELECT DISTINCT colour FROM ${tenant.name}.groups`, [], tenant.placement)).toEqual([
      { colour: "blue" },
    ]);
    const after = await contentOf(tenant);
    expect({ ...after, groups: null }).toEqual({ ...before, groups: null });
    expect(
      await asSuperuser(`SELECT max(number) AS n FROM ${tenant.name}.schema_migrations`, [], tenant.placement),
    ).toEqual([{ n: later.number }]);
    await expect(restore(tenant, (await backUp(tenant, key)).file, key)).rejects.toMatchObject({
      code: "unknown_schema",
    });
  });

  it("leaves a schema that is, to the last grant and policy, what a new tenant gets", slow, async () => {
    const [tenant, fresh] = [await freshTenant(), await freshTenant()];
    await restore(tenant, (await backUp(tenant, key)).file, key);
    const clients = [await ownerOf(tenant), await ownerOf(fresh)] as const;
    try {
      expect(await describeTenant(clients[0], tenant.name)).toEqual(await describeTenant(clients[1], fresh.name));
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
  });

  it("refuses an organisation that has no schema here", slow, async () => {
    const [from, into] = [await freshTenant(), await freshTenant()];
    const { file } = await backUp(from, key);
    await asSuperuser(`DROP SCHEMA ${into.name} CASCADE`, [], into.placement);
    await expect(restore(into, file, key)).rejects.toMatchObject({ code: "no_target" });
  });
});
