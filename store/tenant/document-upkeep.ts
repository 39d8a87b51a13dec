/** What the clock ends of documents; for the job that tends them, who sees all of a tenant's. */
import { binDays } from "../../core/documents/bin.ts";
import type { DocumentId, UploadId } from "../../core/ids.ts";
import type { DueDocument } from "../../core/rpc/documents.ts";
import { sql } from "../connect.ts";
import { idColumn, textColumn } from "./columns.ts";
import { uploadHours } from "./document-uploads.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/** Taken up in one visit of the clock; what is left is due at the next. */
const dueAtOnce = 100;

/** Uploads that nobody finished, or that somebody died giving up. `upload`: the bucket's name of it. */
export async function abandonedUploads(
  database: TenantDatabase,
): Promise<{ readonly document: DocumentId; readonly id: UploadId; readonly upload: string }[]> {
  const [rows] = await database.read(sql`
    SELECT document_id, id, upload FROM document_versions
    WHERE number IS NULL
      AND (ended_at IS NOT NULL OR created_at <= now() - make_interval(hours => ${uploadHours}))
    ORDER BY created_at LIMIT ${dueAtOnce}`);
  return (rows ?? []).map((row) => ({
    document: idColumn("document", row, "document_id"),
    id: idColumn("upload", row, "id"),
    upload: textColumn(row, "upload"),
  }));
}

const isDue = sql`d.deleted_at <= now() - make_interval(days => ${binDays})`;

/** Documents whose time in the bin is over, the longest there first. */
export async function dueDocuments(database: TenantDatabase): Promise<DueDocument[]> {
  const [rows] = await database.read(sql`
    SELECT d.id, d.deleted_by FROM documents d WHERE ${isDue} ORDER BY d.deleted_at LIMIT ${dueAtOnce}`);
  return (rows ?? []).map((row) => ({
    document: idColumn("document", row, "id"),
    deletedBy: idColumn("user", row, "deleted_by"),
  }));
}

/** Versions and uploads of a document that is due; null when it is not. */
export async function versionsOfDue(
  database: TenantDatabase,
  document: DocumentId,
): Promise<{ readonly id: UploadId; readonly openUpload: string | null }[] | null> {
  const [due, rows] = await database.read(
    sql`SELECT FROM documents d WHERE d.id = ${document} AND ${isDue}`,
    sql`SELECT v.id, CASE WHEN v.number IS NULL THEN v.upload ELSE '' END AS open_upload
      FROM document_versions v WHERE v.document_id = ${document}`,
  );
  if (due?.length !== 1) return null;
  return (rows ?? []).map((row) => {
    const open = textColumn(row, "open_upload");
    return { id: idColumn("upload", row, "id"), openUpload: open === "" ? null : open };
  });
}

/** Every row of a document that is due. Its objects are gone before. */
export async function endDocument(database: TenantDatabase, document: DocumentId): Promise<void> {
  const due = sql`EXISTS (SELECT FROM documents d WHERE d.id = ${document} AND ${isDue})`;
  await database.writeBehind(
    sql`SELECT FROM documents WHERE id = ${document} FOR UPDATE`,
    sql`
      shares AS (DELETE FROM document_shares WHERE document_id = ${document} AND ${due}),
      parts AS (DELETE FROM document_parts p USING document_versions v
        WHERE v.id = p.version_id AND v.document_id = ${document} AND ${due}),
      versions AS (DELETE FROM document_versions WHERE document_id = ${document} AND ${due}),
      work AS (DELETE FROM documents d WHERE d.id = ${document} AND ${isDue} RETURNING d.id)`,
  );
}
