import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import { sql } from "../../../store/connect.ts";
import { callScope } from "../../../store/control/scope-makers.ts";
import { TenantNotReady } from "../directory.ts";
import { runAsSystem } from "../tenant-access.ts";
import type { DataUnit } from "../unit.ts";

/**
 * True if a request's work was committed: its receipt stands in the control schema or in the
 * tenant's, wherever the work was.
 * @throws CallRefused, DatabaseError: a look-up that failed says nothing
 */
export async function receiptExists(
  unit: DataUnit,
  call: SignedCall,
  org: OrgId | null,
  requestId: string,
): Promise<boolean> {
  const verified = await verifyCall(
    call,
    { audience: "data.audit-sink", org, jobs: ["audit_drain"] },
    unit.keys,
    unit.now(),
  );
  const scope = callScope(verified);
  const control = await unit.directory.query(
    sql`SELECT 1 FROM control.operation_receipts WHERE request_id = ${requestId}`,
    { readOnly: true },
  );
  if (control.length > 0) return true;
  if (scope === null) return false;
  try {
    const [rows] = await runAsSystem(unit, scope, [
      sql`SELECT 1 FROM operation_receipts WHERE request_id = ${requestId}`,
    ]);
    return (rows ?? []).length > 0;
  } catch (error) {
    // Nobody has been handed credentials to a database that isn't finished, so nothing was done in it.
    if (error instanceof TenantNotReady) return false;
    throw error;
  }
}
