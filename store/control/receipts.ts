import type { OrgId, RequestId } from "../../core/ids.ts";
import { type Statement, sql } from "../connect.ts";

/** Who writes: each change records its request in the same transaction, for the audit reconciler. */
export interface WriteRequest {
  readonly requestId: RequestId;
  readonly nowMs: number;
}

/** The receipt of a change that has no condition. */
export function receipt(write: WriteRequest, org: OrgId | null): Statement {
  return sql`INSERT INTO control.operation_receipts (request_id, org_id) VALUES (${write.requestId}, ${org})
    ON CONFLICT DO NOTHING`;
}

/** The body of a CTE: a receipt only if the CTE `changed` of the same statement changed something. */
export function receiptIfChanged(write: WriteRequest, org: OrgId | null): Statement {
  return sql`INSERT INTO control.operation_receipts (request_id, org_id)
    SELECT ${write.requestId}, ${org}::text WHERE EXISTS (SELECT FROM changed) ON CONFLICT DO NOTHING`;
}
