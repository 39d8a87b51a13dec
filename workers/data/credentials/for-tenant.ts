import { readerRoles } from "../../../core/exports/job.ts";
import { parseId } from "../../../core/ids.ts";
import type { SignedCall, VerifiedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { TenantConnection, TenantReader } from "../../../core/rpc/data.ts";
import { callScope } from "../../../store/control/scope-makers.ts";
import { openTenant } from "../tenant-access.ts";
import type { DataUnit } from "../unit.ts";

/**
 * A tenant's database for whoever the call speaks for: the organisation, the user and the role are
 * the verified call's own, never an argument. But for the job of exports, which has no scope of its own: it says as
 * whom it reads, and can say nobody who sees more than that person or may change what an owner may.
 * @throws CallRefused, TenantNotReady, DatabaseError
 */
export async function connectionForCall(
  unit: DataUnit,
  call: SignedCall,
  reader?: TenantReader,
): Promise<TenantConnection> {
  const verified = await verifyCall(
    call,
    {
      audience: "data.credentials",
      users: true,
      jobs: ["enroll", "tend_backups", "tend_billing", "tend_documents", "run_exports"],
    },
    unit.keys,
    unit.now(),
  );
  const scope = callScope(verified);
  if (scope === null) throw new CallRefused("wrong_org");
  return openTenant(unit, scope, actorOf(verified, reader));
}

type RowActor = Parameters<typeof openTenant>[2];

/** @throws CallRefused for a reader where none belongs, none where one does, or one that a job may not be */
function actorOf(verified: VerifiedCall, reader: TenantReader | undefined): RowActor {
  const reads = verified.kind === "job" && verified.job === "run_exports";
  if (reads !== (reader !== undefined)) throw new CallRefused("not_granted");
  if (reader !== undefined) {
    const user = parseId("user", reader.user);
    const role = readerRoles.find((known) => known === reader.role);
    if (user === null || role === undefined) throw new CallRefused("not_granted");
    return { user, role };
  }
  return verified.kind === "user" ? { user: verified.sub, role: verified.role } : { user: null, role: "system" };
}
