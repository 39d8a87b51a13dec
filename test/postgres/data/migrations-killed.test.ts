import { describe, expect, it } from "vitest";
import { readMigrations } from "../../../scripts/migrate/files.ts";
import { describeTenant } from "../../../scripts/migrate/schema/versions.ts";
import { migrateTenants } from "../../../scripts/migrate/tenants/run.ts";
import { sql } from "../../../store/connect.ts";
import { runProcess } from "../../support/killed-run.ts";
import { withLaterMigrations } from "../../support/later-migrations.ts";
import type { PlacementDatabases } from "../../support/placement-databases.ts";
import { connect } from "../support.ts";
import { type MadeTenant, makeTenants, twoPlacements, versions } from "./migrations-kit.ts";

const last = readMigrations("tenant").length;
const later = 3;
const tenantsCount = 24;
const killsMax = 6;
/** A killed run gets through fewer than this, so that the next one has some left. */
const tenantsPerKill = 6;

/** Of each tenant: its schema's own ledger, the control plane's index, and what its schema is. */
async function look(world: PlacementDatabases, tenants: readonly MadeTenant[]) {
  const found = new Map<MadeTenant, { truth: number; index: number; shape: string }>();
  const control = await connect(world.urls[0].url);
  const { rows } = await control.query<{ org_id: string; number: number }>("SELECT * FROM control.tenant_migrations");
  await control.end();
  for (const { name: placement, url } of world.urls) {
    const client = await connect(url);
    await client.query("SET ROLE sentinel_provisioner; BEGIN READ ONLY");
    for (const tenant of tenants.filter((one) => one.placement === placement)) {
      const { rows: ledger } = await client.query<{ truth: number }>(
        `SELECT max(number) AS truth FROM ${tenant.name}.schema_migrations`,
      );
      const index = rows.find((row) => row.org_id === tenant.org)?.number ?? 0;
      const shape = (await describeTenant(client, tenant.name)).join("\n");
      found.set(tenant, { truth: ledger[0]!.truth, index, shape });
    }
    await client.end();
  }
  return found;
}

describe("a run that is killed at random moments", () => {
  it("leaves every tenant whole and the index never ahead, and the next run goes on from there", async () => {
    const world = await twoPlacements();
    const tenants = await makeTenants(world, tenantsCount);
    for (const tenant of tenants)
      await tenant.run("system", sql`INSERT INTO operation_receipts (request_id) VALUES ('kept')`);
    // What a schema may look like: as before, or as after all three files; nothing between.
    const twin = await twoPlacements();
    const [model] = await makeTenants(twin, 1);
    const shapeOfModel = async () => (await look(twin, [model!])).get(model!)!.shape;
    const shapes = new Map([[last, await shapeOfModel()]]);
    await migrateTenants({ placements: twin.urls, migrations: withLaterMigrations(later) });
    shapes.set(last + later, await shapeOfModel());

    let partly = 0;
    let status: number | null = null;
    for (let kill = 0; kill < killsMax && status !== 0; kill += 1) {
      const run = { placements: world.urls, later, atOnce: 3 };
      ({ status } = await runProcess(run, {
        tenants: Math.floor(Math.random() * tenantsPerKill),
        thenMs: Math.random() * 30,
      }));
      let moved = 0;
      for (const { truth, index, shape } of (await look(world, tenants)).values()) {
        expect([last, last + later]).toContain(truth);
        expect(index).toBeLessThanOrEqual(truth);
        expect(shape === shapes.get(truth)).toBe(true);
        if (truth > last) moved += 1;
      }
      if (moved > 0 && moved < tenantsCount) partly += 1;
    }
    // Otherwise no kill hit a run in its midst, and nothing was shown.
    expect(partly).toBeGreaterThan(0);
    expect((await runProcess({ placements: world.urls, later, atOnce: 3 }, null)).status).toBe(0);
    for (const tenant of tenants) {
      expect(await versions(world, tenant)).toEqual({ truth: last + later, index: last + later });
      expect(await tenant.run("system", sql`SELECT request_id FROM operation_receipts`)).toEqual([
        [{ request_id: "kept" }],
      ]);
    }
  }, 600_000);
});
