import { isComplete, migrateTenants } from "../../../scripts/migrate/tenants/run.ts";
import { withLaterMigrations } from "../../support/later-migrations.ts";
import type { PlacementDatabases } from "../../support/placement-databases.ts";
import type { Row } from "../report.ts";

/** Lanes of the three runs; each run moves everybody to one file more. */
const lanesTried = [1, 4, 8] as const;

/** Runs over every tenant, canary and growing waves included. */
export async function benchTenantMigration(world: PlacementDatabases, count: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [index, atOnce] of lanesTried.entries()) {
    const startedAtMs = performance.now();
    const result = await migrateTenants({ placements: world.urls, migrations: withLaterMigrations(index + 1), atOnce });
    if (!isComplete(result) || result.migrated !== count)
      throw new Error(`the run ended with ${JSON.stringify(result)}`);
    const perSecond = (count * 1000) / (performance.now() - startedAtMs);
    rows.push({
      what: `migrating ${count} tenants by one file (${["expand", "fill", "require"][index]}), ${atOnce} at once`,
      value: `${perSecond.toFixed(1)} a second`,
      beside: "–",
    });
  }
  return rows;
}
