/** A run over every tenant: plan, correct the index, canary, waves, report. Resumable: each run begins by looking. */
import type { OrgId } from "../../../core/ids.ts";
import type { TenantMigration } from "../../../workers/data/provisioner/tenant-schema.ts";
import type { PlacementUrl } from "../database-urls.ts";
import { orderTenants } from "./canary.ts";
import { PlacementConnections, type TenantLimits } from "./connections.ts";
import { correctIndex, recordTenant } from "./ledger.ts";
import { describeFailure, migrateTenant, type TenantFailure, type TenantOutcome } from "./one-tenant.ts";
import { type BlockedTenant, type PlannedTenant, planTenants } from "./plan.ts";
import { runWaves } from "./waves.ts";

/**
 * While a statement waits for a lock, every new request on that table waits behind it. 300 ms is what a person
 * takes for slow and not for broken, and a hundred times what a request of Sentinel's holds a lock.
 */
export const lockMsDefault = 300;
/** A tenant's role waits 5 s for a lock (tenant-role.ts); a migration that is over in 4 s fails no request. */
export const transactionMsDefault = 4_000;
/** Measured (ADR 18): on two cores more lanes than this add nothing, and each takes a connection of a cluster. */
export const atOnceDefault = 4;
/** One tenant with something unusual about it fails alone; three of one wave say that the migration is wrong. */
export const failuresMaxDefault = 2;
/** Creations that end beside a run leave tenants at the migration of the Worker that made them: look again. */
const passesMax = 3;

export interface TenantRunOptions {
  /** The owner's direct connections; the first holds the control plane. */
  readonly placements: readonly [PlacementUrl, ...PlacementUrl[]];
  /** All of migrations/tenant, in order. */
  readonly migrations: readonly TenantMigration[];
  readonly canary?: OrgId | null;
  readonly atOnce?: number;
  readonly failuresMax?: number;
  readonly limits?: TenantLimits;
  readonly progress?: TenantProgress;
  readonly pause?: (ms: number) => Promise<void>;
}

export interface TenantProgress {
  planned(counts: { readonly pending: number; readonly current: number }): void;
  outcome(tenant: PlannedTenant, outcome: TenantOutcome): void;
}

export interface FailedRun extends TenantFailure {
  readonly org: OrgId;
  readonly placement: string;
  readonly kind: "busy" | "unreachable" | "failed";
}

export interface TenantRunResult {
  readonly migrated: number;
  /** At the newest migration already. */
  readonly current: number;
  readonly unmade: number;
  readonly failed: readonly FailedRun[];
  readonly blocked: readonly BlockedTenant[];
  readonly stopped: string | null;
  readonly untried: number;
  /** Entries of the control plane's index that were corrected to what the schemas say. */
  readonly corrected: number;
}

/** True when every tenant that has a schema is at the newest migration. */
export const isComplete = (result: TenantRunResult): boolean =>
  result.failed.length === 0 && result.blocked.length === 0 && result.stopped === null;

/** @throws NoSuchCanary, and the driver's errors when control plane or a placement can't be read */
export async function migrateTenants(options: TenantRunOptions): Promise<TenantRunResult> {
  const { migrations, atOnce = atOnceDefault } = options;
  const connections = new PlacementConnections(options.placements, atOnce);
  try {
    let migrated = 0;
    let corrected = 0;
    for (let pass = 1; ; pass += 1) {
      const plan = await planTenants(connections, migrations);
      await connections.use(connections.control, (control) => correctIndex(control, plan.indexed));
      corrected += plan.indexed.length;
      const nothingNew = pass > 1 && plan.pending.length === 0;
      if (!nothingNew) options.progress?.planned({ pending: plan.pending.length, current: plan.current.length });
      const canary = pass === 1 ? (options.canary ?? null) : null;
      const tenants = await orderTenants(connections, plan.pending, plan.pending.length === 0 ? null : canary);
      const waves = await wavesOf(options, connections, tenants, atOnce);
      migrated += waves.migrated;
      const result = {
        migrated,
        current: plan.current.length - (migrated - waves.migrated),
        unmade: plan.unmade,
        failed: waves.failed.map(({ tenant, ...failure }) => ({
          org: tenant.org,
          placement: tenant.placement,
          ...failure,
        })),
        blocked: plan.blocked,
        stopped: waves.stopped,
        untried: waves.untried,
        corrected,
      };
      if (waves.migrated === 0 || waves.stopped !== null || waves.failed.length > 0 || pass === passesMax)
        return result;
    }
  } finally {
    await connections.end();
  }
}

function wavesOf(
  { migrations, failuresMax = failuresMaxDefault, limits, progress, pause }: TenantRunOptions,
  connections: PlacementConnections,
  tenants: readonly PlannedTenant[],
  atOnce: number,
): ReturnType<typeof runWaves<PlannedTenant>> {
  const bounds = limits ?? { lockMs: lockMsDefault, transactionMs: transactionMsDefault };
  return runWaves(
    tenants,
    { atOnce, failuresMax },
    {
      migrate: async (tenant) => {
        let outcome: TenantOutcome;
        try {
          outcome = await connections.use(tenant.placement, (client) =>
            migrateTenant(client, tenant, migrations, bounds),
          );
        } catch (error) {
          return describeFailure(error, null);
        }
        // Not part of the outcome: the schema is right, and the next run's first look records it.
        if (outcome.kind === "migrated") {
          const { number } = outcome;
          await connections
            .use(connections.control, (control) => recordTenant(control, tenant.org, number))
            .catch(() => undefined);
        }
        return outcome;
      },
      onOutcome: (tenant, outcome) => progress?.outcome(tenant, outcome),
      pause: pause ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms))),
    },
  );
}
