import type { SignedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { TenantConnection } from "../../../core/rpc/data.ts";
import { callScope } from "../../../store/control/scope-makers.ts";
import { openTenant } from "../tenant-access.ts";
import type { DataUnit } from "../unit.ts";

/**
 * A tenant's database for whoever the call speaks for: the organisation, the user and the role are
 * the verified call's own, never an argument.
 * @throws CallRefused, TenantNotReady, DatabaseError
 */
export async function connectionForCall(unit: DataUnit, call: SignedCall): Promise<TenantConnection> {
  const verified = await verifyCall(
    call,
    { audience: "data.credentials", users: true, jobs: ["enroll", "tend_backups", "tend_billing", "tend_documents"] },
    unit.keys,
    unit.now(),
  );
  const scope = callScope(verified);
  if (scope === null) throw new CallRefused("wrong_org");
  const actor =
    verified.kind === "user" ? { user: verified.sub, role: verified.role } : ({ user: null, role: "system" } as const);
  return openTenant(unit, scope, actor);
}
