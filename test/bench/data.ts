import { withClusters } from "../soak/clusters.ts";
import { makePlacementDatabases } from "../support/placement-databases.ts";
import { benchBackup } from "./data/backup.ts";
import { benchTenantCreation } from "./data/creation.ts";
import { benchTenantMigration } from "./data/migration.ts";
import { benchTenantRoles } from "./data/roles.ts";
import { countRoundTrips } from "./data/round-trips.ts";
import { benchTelemetry } from "./data/telemetry.ts";
import type { Row } from "./report.ts";

/** Tenants that creation makes and migration moves; the soak does the same with thousands. */
const tenantsCount = 200;

/** What the data layer costs: Postgres and the gateway, without the Workers. One file a measure in data/. */
export async function benchData(rounds: number): Promise<Row[]> {
  const tenantRows = await withClusters(async (two) => {
    const world = await makePlacementDatabases(["bench-1", "bench-2"], two.clusters, two);
    const { rows, tenants } = await benchTenantCreation(world, tenantsCount);
    return [
      ...rows,
      ...(await benchTenantRoles(world, tenants, rounds)),
      ...(await benchTenantMigration(world, tenants.length)),
      ...(await benchBackup(world)),
    ];
  });
  return [...countRoundTrips(), ...tenantRows, ...(await benchTelemetry())];
}
