import type { BackupId } from "../../core/ids.ts";
import { type Database, type Row, sql } from "../connect.ts";
import { booleanOf, idOf, textOf, textOrNull } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";

/** A backup as its organisation sees it; where the file is, and its key, are the operator's. */
export interface BackupSummary {
  readonly id: BackupId;
  /** Of which moment the rows are, RFC 3339. */
  readonly snapshotAt: string;
  readonly createdAt: string;
  /** Of the file. */
  readonly bytes: number;
  readonly rows: number;
  /** When it was last read from beginning to end, RFC 3339. */
  readonly verifiedAt: string | null;
  /** Its key is gone: nothing opens it. */
  readonly destroyed: boolean;
}

/** Newest first; ids rise with time. @throws DatabaseError */
export async function listBackups(
  database: Database,
  { org }: OrgScope,
  page: { readonly before: string | null; readonly limit: number },
): Promise<BackupSummary[]> {
  const rows = await database.query(
    sql`SELECT id, control.rfc3339(snapshot_at) AS snapshot_at, control.rfc3339(created_at) AS created_at,
        bytes::text AS bytes, rows::text AS rows, control.rfc3339(verified_at) AS verified_at, destroyed
      FROM control.backups
      WHERE org_id = ${org} AND (${page.before}::text IS NULL OR id < ${page.before}::text)
      ORDER BY id DESC LIMIT ${page.limit}`,
    { readOnly: true },
  );
  return rows.map(summaryOf);
}

function summaryOf(row: Row): BackupSummary {
  return {
    id: idOf("backup", row, "id"),
    snapshotAt: textOf(row, "snapshot_at"),
    createdAt: textOf(row, "created_at"),
    bytes: Number(textOf(row, "bytes")),
    rows: Number(textOf(row, "rows")),
    verifiedAt: textOrNull(row, "verified_at"),
    destroyed: booleanOf(row, "destroyed"),
  };
}
