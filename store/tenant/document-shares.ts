/** With whom documents are shared. Who may know and change that is row-level security's to say. */
import type { DocumentId, ShareId, UserId } from "../../core/ids.ts";
import { granteeKinds, type NewShare, type Share } from "../../core/rpc/documents.ts";
import { type Row, sql } from "../connect.ts";
import { idColumn, instantColumn, instantOrNullColumn, textColumn } from "./columns.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/** Shares of one document: a school has fewer groups and roles than this, and a list of more people is a group. */
export const sharesMax = 200;

const columns = sql`s.id, s.grantee_kind, s.grantee, s.until, s.created_by, s.created_at`;

/**
 * Shares a document that is not in the bin, or changes until when.
 * @returns `not_found` also for a group that is not there
 */
export async function addShare(
  database: TenantDatabase,
  document: DocumentId,
  share: NewShare & { readonly id: ShareId; readonly by: UserId },
): Promise<Share | "not_found" | "too_many"> {
  const { id, kind, grantee, until, by } = share;
  const [rows, seen] = await database.writeBehind(
    sql`SELECT FROM documents WHERE id = ${document} FOR UPDATE`,
    sql`
      work AS (
        INSERT INTO document_shares AS s (id, document_id, grantee_kind, grantee, until, created_by)
        SELECT ${id}::text, d.id, ${kind}::text, ${grantee}::text, ${until}::timestamptz, ${by}::text
        FROM documents d
        WHERE d.id = ${document} AND d.deleted_at IS NULL AND d.current_version IS NOT NULL
          AND (${kind}::text <> 'group' OR ${grantee} IN (SELECT g.id FROM groups g))
          AND ((SELECT count(*) FROM document_shares o WHERE o.document_id = d.id) < ${sharesMax}
            OR EXISTS (SELECT FROM document_shares o
              WHERE o.document_id = d.id AND o.grantee_kind = ${kind} AND o.grantee = ${grantee}))
        ON CONFLICT (document_id, grantee_kind, grantee) DO UPDATE SET until = excluded.until
        RETURNING ${columns}
      )`,
    sql`SELECT FROM document_shares o WHERE o.document_id = ${document} HAVING count(*) >= ${sharesMax}`,
  );
  const row = rows?.[0];
  if (row !== undefined) return shareOf(row);
  return seen?.length === 1 ? "too_many" : "not_found";
}

/** Oldest first. */
export async function listShares(database: TenantDatabase, document: DocumentId): Promise<Share[]> {
  const [rows] = await database.read(sql`
    SELECT ${columns} FROM document_shares s WHERE s.document_id = ${document} ORDER BY s.id LIMIT ${sharesMax}`);
  return (rows ?? []).map(shareOf);
}

/** False when there is none that the actor may take back. */
export async function removeShare(database: TenantDatabase, document: DocumentId, id: ShareId): Promise<boolean> {
  const [rows] = await database.write(sql`
    work AS (DELETE FROM document_shares WHERE id = ${id} AND document_id = ${document} RETURNING id)`);
  return rows?.length === 1;
}

function shareOf(row: Row): Share {
  const kind = granteeKinds.find((known) => known === row["grantee_kind"]);
  if (kind === undefined) throw new Error("the column grantee_kind holds something that was never written to it");
  return {
    id: idColumn("share", row, "id"),
    kind,
    grantee: textColumn(row, "grantee"),
    until: instantOrNullColumn(row, "until"),
    createdBy: idColumn("user", row, "created_by"),
    createdAt: instantColumn(row, "created_at"),
  };
}
