/** PDFs whose text nobody has read yet; for the job that tends documents, who sees all of a tenant's. */
import type { DocumentId, UploadId } from "../../core/ids.ts";
import { sql } from "../connect.ts";
import { idColumn, integerColumn, textColumn } from "./columns.ts";
import { termsOf } from "./document-terms.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/** What came of reading a PDF; null: nothing yet. */
export type TextState = "read" | "unreadable" | null;

/** Tries, the upload's own included: what fails on five days is not the reader's fault any more. */
export const textTriesMax = 5;
/** Taken up in one visit of the clock; what is left is due at the next. */
const waitingAtOnce = 100;

export interface WaitingText {
  readonly document: DocumentId;
  readonly id: UploadId;
  readonly sizeBytes: number;
  readonly wrappedKey: string;
}

/** Current versions alone: nobody finds a document by what it once held. Those tried least come first. */
export async function waitingTexts(database: TenantDatabase): Promise<WaitingText[]> {
  const [rows] = await database.read(sql`
    SELECT v.document_id, v.id, v.size_bytes::double precision AS size_bytes, d.wrapped_key
    FROM document_versions v JOIN documents d ON d.current_version = v.id
    WHERE v.media_type = 'application/pdf' AND v.text_state IS NULL AND v.number IS NOT NULL
      AND v.text_tries < ${textTriesMax} AND d.deleted_at IS NULL
    ORDER BY v.text_tries, v.document_id LIMIT ${waitingAtOnce}`);
  return (rows ?? []).map((row) => ({
    document: idColumn("document", row, "document_id"),
    id: idColumn("upload", row, "id"),
    sizeBytes: integerColumn(row, "size_bytes"),
    wrappedKey: textColumn(row, "wrapped_key"),
  }));
}

/** Counts a try before it is made: one that takes its reader down counts as well. */
export async function noteTextTry(database: TenantDatabase, id: UploadId): Promise<void> {
  await database.write(sql`work AS (
    UPDATE document_versions SET text_tries = text_tries + 1 WHERE id = ${id} AND text_state IS NULL RETURNING id)`);
}

/** What was read. A version that was replaced meanwhile changes nothing of what its document is found by. */
export async function noteText(
  database: TenantDatabase,
  { document, id }: Pick<WaitingText, "document" | "id">,
  { state, text }: { readonly state: Exclude<TextState, null>; readonly text: string },
): Promise<void> {
  await database.writeBehind(
    sql`SELECT FROM documents WHERE id = ${document} FOR UPDATE`,
    sql`
      version AS (UPDATE document_versions SET text_state = ${state} WHERE id = ${id} AND document_id = ${document}),
      work AS (UPDATE documents SET text_terms = ${termsOf(text)}
        WHERE id = ${document} AND current_version = ${id} RETURNING id)`,
  );
}
