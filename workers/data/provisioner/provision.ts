import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { ProvisionedTenant } from "../../../core/rpc/data.ts";
import { callScope } from "../../../store/control/scope-makers.ts";
import { isNearlyFull, NoPlacementLeft } from "../directory.ts";
import { logEvent } from "../log.ts";
import type { DataUnit } from "../unit.ts";
import { type CreatedTenant, createTenant } from "./create-tenant.ts";
import { tenantMigrations } from "./tenant-migrations.ts";

/**
 * Creates, finishes, repairs or migrates a tenant.
 * @returns where it is, or null: no placement has room for another
 * @throws CallRefused, DatabaseError
 */
export async function provision(unit: DataUnit, call: SignedCall, org: OrgId): Promise<ProvisionedTenant> {
  const verified = await verifyCall(
    call,
    { audience: "data.provisioner", org, jobs: ["provision"] },
    unit.keys,
    unit.now(),
  );
  const scope = callScope(verified);
  if (scope === null) throw new CallRefused("wrong_org");
  let created: CreatedTenant;
  try {
    created = await createTenant(unit.config, scope, tenantMigrations);
  } catch (error) {
    if (!(error instanceof NoPlacementLeft)) throw error;
    logEvent({ event: "placements_full", org });
    return { placement: null };
  }
  const { placement, repaired, filled } = created;
  if (repaired.length > 0) logEvent({ event: "tenant_repaired", org, drift: repaired });
  // New tenants go where the fewest are, so all placements are at least as full as this one.
  if (filled !== null && isNearlyFull(filled)) logEvent({ event: "placements_nearly_full", ...filled });
  return { placement };
}
