/** Compares the schema of every tenant with what its version is on record as: nobody alters one by hand unseen. */
import type { OrgId } from "../../../core/ids.ts";
import type { TenantMigration } from "../../../workers/data/provisioner/tenant-schema.ts";
import type { PlacementUrl } from "../database-urls.ts";
import { type SchemaDifference, schemaDifference } from "../schema/difference.ts";
import { readDump } from "../schema/dumps.ts";
import { describeTenant, tenantPlaceholder } from "../schema/versions.ts";
import { PlacementConnections, readAsProvisioner } from "./connections.ts";
import { type BlockedTenant, planTenants } from "./plan.ts";

export interface DriftedTenant {
  readonly org: OrgId;
  readonly placement: string;
  readonly number: number;
  readonly difference: SchemaDifference;
}

export interface Verification {
  /** Tenants whose schema is what it should be. */
  readonly same: number;
  readonly drifted: readonly DriftedTenant[];
  /** Their history itself is not ours, so there is nothing to compare with. */
  readonly blocked: readonly BlockedTenant[];
}

/** @param onEach after each tenant, with how many of how many */
export async function verifyTenants(
  placements: readonly [PlacementUrl, ...PlacementUrl[]],
  migrations: readonly TenantMigration[],
  onEach: (done: number, all: number) => void = () => undefined,
): Promise<Verification> {
  const connections = new PlacementConnections(placements, 1);
  try {
    const plan = await planTenants(connections, migrations);
    const tenants = [...plan.pending, ...plan.current];
    const drifted: DriftedTenant[] = [];
    for (const [index, { org, name, placement, number }] of tenants.entries()) {
      const actual = await connections.use(placement, (client) =>
        readAsProvisioner(client, () => describeTenant(client, name)),
      );
      const expected = readDump("tenant", number)?.schema;
      if (expected === undefined) throw new Error(`there is no dump of migrations/tenant at ${number}`);
      const difference = schemaDifference(lasting(expected), lasting(actual));
      if (difference !== null) drifted.push({ org, placement, number, difference });
      onEach(index + 1, tenants.length);
    }
    return { same: tenants.length - drifted.length, drifted, blocked: plan.blocked };
  } finally {
    await connections.end();
  }
}

/** What a job removes once it is empty: there or not, both are right. */
const passing = [`${tenantPlaceholder}.telemetry_unmoved`];

/** Without what comes and goes while a tenant lives: partitions, and what a migration left to a job. */
function lasting(lines: readonly string[]): string[] {
  return lines.filter((line) => !isOrdinaryPartition(line) && !passing.some((name) => line.includes(name)));
}

/**
 * Partitions are made with time. One that anybody but the owner may touch directly is no ordinary one: it
 * would show rows past the policies, which are its parent's.
 */
function isOrdinaryPartition(line: string): boolean {
  if (!line.includes(" a partition of ")) return false;
  if (line.startsWith("column ")) return !line.includes(" to ");
  return !line.startsWith("relation ") || / to sentinel_provisioner=[A-Z+]+$/.test(line);
}
