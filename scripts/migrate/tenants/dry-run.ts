/** What a run would do, and whether each pending file applies to the canary; nothing is kept. */
import type { OrgId } from "../../../core/ids.ts";
import { migrationStatement, type TenantMigration } from "../../../workers/data/provisioner/tenant-schema.ts";
import type { PlacementUrl } from "../database-urls.ts";
import { orderTenants } from "./canary.ts";
import { beginAsProvisioner, PlacementConnections, type TenantLimits } from "./connections.ts";
import { describeFailure, type TenantFailure } from "./one-tenant.ts";
import { type PlannedTenant, planTenants, type TenantPlan } from "./plan.ts";
import { waveSizes } from "./waves.ts";

export interface TriedFile {
  readonly file: string;
  readonly ms: number;
  /** Null: it applies. */
  readonly failure: TenantFailure | null;
}

export interface DryRun {
  readonly plan: TenantPlan;
  /** Sizes of the waves after the canary. */
  readonly waves: readonly number[];
  readonly canary: PlannedTenant | null;
  /** In order, up to the first that fails. */
  readonly tried: readonly TriedFile[];
}

export interface DryRunOptions {
  readonly placements: readonly [PlacementUrl, ...PlacementUrl[]];
  readonly migrations: readonly TenantMigration[];
  readonly canary: OrgId | null;
  readonly limits: TenantLimits;
}

/** @throws NoSuchCanary, and the driver's errors when something can't be read */
export async function dryRunTenants({ placements, migrations, canary, limits }: DryRunOptions): Promise<DryRun> {
  const connections = new PlacementConnections(placements, 1);
  try {
    const plan = await planTenants(connections, migrations);
    const [first, ...others] = await orderTenants(connections, plan.pending, canary);
    if (first === undefined) return { plan, waves: [], canary: null, tried: [] };
    const tried = await tryOn(connections, first, migrations, limits);
    return { plan, waves: waveSizes(others.length), canary: first, tried };
  } finally {
    await connections.end();
  }
}

async function tryOn(
  connections: PlacementConnections,
  canary: PlannedTenant,
  migrations: readonly TenantMigration[],
  limits: TenantLimits,
): Promise<TriedFile[]> {
  const tried: TriedFile[] = [];
  await connections.use(canary.placement, async (client) => {
    await client.query(beginAsProvisioner(limits));
    // Each stands on the one before, so all of them share the transaction.
    for (const migration of migrations.filter(({ number }) => number > canary.number)) {
      const startedAtMs = performance.now();
      const failure = await client.query(migrationStatement(canary.name, migration).text).then(
        () => null,
        (error: unknown) => describeFailure(error, migration.name),
      );
      tried.push({ file: migration.name, ms: performance.now() - startedAtMs, failure });
      if (failure !== null) break;
    }
    await client.query("ROLLBACK").catch(() => undefined);
  });
  return tried;
}
