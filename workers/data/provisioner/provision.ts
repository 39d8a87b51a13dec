import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import { logEvent } from "../log.ts";
import type { DataUnit } from "../unit.ts";
import { createTenant } from "./create-tenant.ts";
import { tenantMigrations } from "./tenant-migrations.ts";

/** Creates, finishes, repairs or migrates a tenant. @throws CallRefused, NoPlacementLeft, DatabaseError */
export async function provision(unit: DataUnit, call: SignedCall, org: OrgId): Promise<{ placement: string }> {
  await verifyCall(call, { audience: "data.provisioner", org, jobs: ["provision"] }, unit.keys, unit.now());
  const { placement, repaired } = await createTenant(unit.config, org, tenantMigrations);
  if (repaired.length > 0) logEvent({ event: "tenant_repaired", org, drift: repaired });
  return { placement };
}
