import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { sql } from "../../../store/connect.ts";
import { asSuperuser, freshTenant, tenantMigrations } from "../support.ts";
import { backUp, contentOf, fillTenant, restore } from "./kit.ts";

const key = randomBytes(32);
const restoring = 60_000;

describe("a restore drill", () => {
  it("gives the same organisation back every row of every table and partition", { timeout: restoring }, async () => {
    const tenant = await freshTenant();
    await fillTenant(tenant);
    const before = await contentOf(tenant);
    expect(Object.values(before).filter((content) => content === "0 ")).toEqual([]);
    const { file, header } = await backUp(tenant, key);
    expect(header).toMatchObject({ kind: "tenant", org: tenant.org, schema: tenantMigrations.length });
    await asSuperuser(`DELETE FROM ${tenant.name}.telemetry`, [], tenant.placement);
    await asSuperuser(`UPDATE ${tenant.name}.devices SET name = 'encrypted by somebody'`, [], tenant.placement);
    await asSuperuser(
      `INSERT INTO ${tenant.name}.groups (id, name) VALUES ('grp_${"0".repeat(26)}', 'new')`,
      [],
      tenant.placement,
    );
    expect(await contentOf(tenant)).not.toEqual(before);
    const { rows } = await restore(tenant, file, key);
    expect(await contentOf(tenant)).toEqual(before);
    expect(rows).toBeGreaterThan(500);
  });

  it("gives a new organisation every row, which its own role then reads under its own scope", {
    timeout: restoring,
  }, async () => {
    const [from, into] = [await freshTenant(), await freshTenant()];
    await fillTenant(from);
    await restore(into, (await backUp(from, key)).file, key);
    expect(await contentOf(into)).toEqual(await contentOf(from));
    const devices = sql`SELECT name FROM devices ORDER BY id`;
    const [mine] = await into.run("owner", null, devices);
    expect(mine).toHaveLength(2);
    expect(mine).toEqual((await from.run("owner", null, devices))[0]);
    // The scope key stayed its own: a scope that was signed for the other organisation shows nothing.
    const stranger = await from.rowScope("owner");
    const [, none] = await into.database.transaction([
      sql`SELECT set_config('sentinel.scope', ${stranger}, true)`,
      devices,
    ]);
    expect(none).toEqual([]);
  });
});
