/**
 * What the data layer costs: Postgres and the gateway, without the Workers. One file a measure in data/.
 * By itself, with as many tenants as there is time for: `node test/bench/data.ts 2000` (some ten minutes).
 */
import { fileURLToPath } from "node:url";
import { withClusters } from "../soak/clusters.ts";
import { makePlacementDatabases } from "../support/placement-databases.ts";
import { benchBackup } from "./data/backup.ts";
import { benchTenantCreation } from "./data/creation.ts";
import { benchTenantMigration } from "./data/migration.ts";
import { benchTenantRoles } from "./data/roles.ts";
import { countRoundTrips } from "./data/round-trips.ts";
import { benchTelemetry } from "./data/telemetry.ts";
import { benchRights, benchRotation } from "./data/upkeep.ts";
import { printReport, type Row } from "./report.ts";

const tenantsDefault = 200;
/** What one placement takes (ADR 1). */
const tenantsAPlacement = 450;

/** Two hundred tenants, and then one with millions of samples. */
export async function benchData(rounds: number): Promise<Row[]> {
  return [...countRoundTrips(), ...(await benchTenants(rounds, tenantsDefault)), ...(await benchTelemetry())];
}

/** Everything that is done to many tenants. */
async function benchTenants(rounds: number, count: number): Promise<Row[]> {
  return await withClusters(async (two) => {
    const placements = Math.max(2, Math.ceil(count / tenantsAPlacement));
    const [first = "", ...others] = Array.from({ length: placements }, (_, index) => `bench-${index + 1}`);
    const world = await makePlacementDatabases([first, ...others], two.clusters, two);
    const { rows, tenants } = await benchTenantCreation(world, count);
    return [
      ...rows,
      // Before the next one, whose shared role has rights that no tenant should give.
      ...(await benchRights(world, count)),
      ...(await benchTenantRoles(world, tenants, rounds)),
      ...(await benchTenantMigration(world, count)),
      ...(await benchBackup(world)),
      // Last: what the others were handed is refused after it.
      ...(await benchRotation(world)),
    ];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const count = Number(process.argv[2] ?? tenantsDefault);
  const rounds = 3;
  printReport(await benchTenants(rounds, count), `${count} tenants, ${rounds} rounds`);
}
