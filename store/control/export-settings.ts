/** From how many rows on a second administrator has to agree to an export. */
import { approvalRowsDefault } from "../../core/exports/approval.ts";
import type { UserId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { instant, numberOf } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { receipt, type WriteRequest } from "./receipts.ts";

/** The organisation's limit, or the platform's where it set none. */
export async function readApprovalRows(database: Database, { org }: OrgScope): Promise<number> {
  const [row] = await database.query(
    sql`SELECT s.approval_rows FROM control.export_settings s WHERE s.org_id = ${org}`,
    { readOnly: true },
  );
  return row === undefined ? approvalRowsDefault : numberOf(row, "approval_rows");
}

export async function putApprovalRows(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  { rows, user }: { readonly rows: number; readonly user: UserId },
): Promise<void> {
  await database.transaction([
    sql`INSERT INTO control.export_settings (org_id, approval_rows, updated_by, updated_at)
      VALUES (${scope.org}, ${rows}::integer, ${user}, ${instant(write.nowMs)}::timestamptz)
      ON CONFLICT (org_id) DO UPDATE SET approval_rows = excluded.approval_rows, updated_by = excluded.updated_by,
        updated_at = excluded.updated_at`,
    receipt(write, scope),
  ]);
}
