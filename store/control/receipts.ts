import type { RequestId } from "../../core/ids.ts";
import { type Database, type Row, Statement, sql } from "../connect.ts";
import { booleanOf } from "./columns.ts";
import type { OrgScope, PlatformScope } from "./org-scope.ts";

/** Who writes: each change records its request in the same transaction, for the audit reconciler. */
export interface WriteRequest {
  readonly requestId: RequestId;
  readonly nowMs: number;
}

/**
 * Whose log a change belongs to: the organisation's in which the writer acts, none's for a person's own things
 * (null) and for the platform's, or, where the change itself finds it out, a query of one value over its CTEs.
 */
export type ReceiptOwner = OrgScope | PlatformScope | Statement | null;

const ownerOf = (owner: ReceiptOwner): Statement =>
  owner instanceof Statement ? sql`(${owner})` : sql`${owner?.org ?? null}::text`;

/** The receipt of a change that has no condition. */
export function receipt(write: WriteRequest, owner: ReceiptOwner): Statement {
  return sql`INSERT INTO control.operation_receipts (request_id, org_id) VALUES (${write.requestId}, ${ownerOf(owner)})
    ON CONFLICT DO NOTHING`;
}

/** The body of a CTE: a receipt only if the CTE `changed` of the same statement changed something. */
export function receiptIfChanged(write: WriteRequest, owner: ReceiptOwner): Statement {
  return sql`INSERT INTO control.operation_receipts (request_id, org_id)
    SELECT ${write.requestId}, ${ownerOf(owner)} WHERE EXISTS (SELECT FROM changed) ON CONFLICT DO NOTHING`;
}

/**
 * A change with its receipt, which is written only if something changed.
 * @param change a statement that returns a row for each thing it changed
 * @returns a statement whose rows {@link hasChanged} reads
 */
export function changeWithReceipt(write: WriteRequest, owner: ReceiptOwner, change: Statement): Statement {
  return sql`WITH changed AS (${change}), receipt AS (${receiptIfChanged(write, owner)})
    SELECT EXISTS (SELECT FROM changed) AS changed`;
}

/** True when the rows of {@link changeWithReceipt} say that something changed. */
export function hasChanged(rows: readonly Row[] | undefined): boolean {
  const row = rows?.[0];
  return row !== undefined && booleanOf(row, "changed");
}

/** {@link changeWithReceipt} by itself. @returns true when something changed */
export async function applyChange(
  database: Database,
  write: WriteRequest,
  owner: ReceiptOwner,
  change: Statement,
): Promise<boolean> {
  return hasChanged(await database.query(changeWithReceipt(write, owner, change)));
}
