/** Uploads: a version from its announcement until it is whole. */
import { documentBytesMax } from "../../core/documents/layout.ts";
import type { DocumentId, UploadId, UserId } from "../../core/ids.ts";
import type { Document } from "../../core/rpc/documents.ts";
import { type Row, type Statement, sql } from "../connect.ts";
import { idColumn, instantColumn, integerColumn, textColumn } from "./columns.ts";
import { termsOf } from "./document-terms.ts";
import type { TextState } from "./document-texts.ts";
import { documentAfter, documentOf } from "./documents.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/** An upload that nobody has finished by then is ended, and gives its bytes back to the quota. */
export const uploadHours = 24;
/** Versions and uploads of one tenant: the quota's count goes over all of them. */
export const versionsMax = 100_000;

export interface OpenUpload {
  readonly document: DocumentId;
  readonly id: UploadId;
  readonly sizeBytes: number;
  readonly declaredType: string;
  /** The bucket's name of it. */
  readonly upload: string;
  readonly wrappedKey: string;
  readonly owner: UserId;
  /** Who announced it: whose version it will be. */
  readonly by: UserId;
  readonly expiresAt: string;
  /** From 1, in order. */
  readonly parts: readonly { readonly part: number; readonly etag: string }[];
}

export interface UploadBegin {
  readonly id: UploadId;
  readonly document: DocumentId;
  readonly sizeBytes: number;
  readonly declaredType: string;
  readonly upload: string;
  readonly by: UserId;
  /** Of tables and documents together. */
  readonly storageBytesMax: number;
}

/** What the sizes of tables and documents are together; what the plan counts. */
export const storageBytes = sql`((SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'm')) + document_bytes())`;

/** Two uploads that begin at once count one after the other. It ends with the transaction. */
const lock = sql`SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' documents', 0))`;

const hasRoom = ({ sizeBytes, storageBytesMax }: UploadBegin): Statement =>
  sql`${storageBytes} + ${sizeBytes}::bigint <= ${storageBytesMax}::bigint AND document_count() < ${versionsMax}`;

const insertVersion = (
  { id, document, sizeBytes, declaredType, upload, by }: UploadBegin,
  from: Statement,
): Statement =>
  sql`INSERT INTO document_versions (id, document_id, size_bytes, declared_type, upload, created_by)
    SELECT ${id}::text, ${document}::text, ${sizeBytes}::bigint, ${declaredType}::text, ${upload}::text, ${by}::text
    FROM ${from} RETURNING id`;

/** Begins the first version of a new document. False: there is no room for it. */
export async function beginDocument(
  database: TenantDatabase,
  begin: UploadBegin,
  { name, wrappedKey }: { readonly name: string; readonly wrappedKey: string },
): Promise<boolean> {
  assertSize(begin.sizeBytes);
  // Two statements, for what a policy reads is what was there before its statement.
  const [made] = await database.writeBehind(
    lock,
    sql`work AS (
      INSERT INTO documents (id, name, owner_id, wrapped_key, name_terms)
      SELECT ${begin.document}::text, ${name}::text, ${begin.by}::text, ${wrappedKey}::text, ${termsOf(name)}
      WHERE ${hasRoom(begin)} RETURNING id)`,
    insertVersion(begin, sql`documents d WHERE d.id = ${begin.document}`),
  );
  return made?.length === 1;
}

/** Begins another version of one that is there and not in the bin. */
export async function beginVersion(
  database: TenantDatabase,
  begin: UploadBegin,
): Promise<"begun" | "no_room" | "not_found"> {
  assertSize(begin.sizeBytes);
  const writable = sql`documents d WHERE d.id = ${begin.document} AND d.deleted_at IS NULL
    AND d.current_version IS NOT NULL`;
  const [made, seen] = await database.writeBehind(
    lock,
    sql`work AS (${insertVersion(begin, sql`${writable} AND ${hasRoom(begin)}`)})`,
    sql`SELECT FROM ${writable}`,
  );
  if (made?.length === 1) return "begun";
  return seen?.length === 1 ? "no_room" : "not_found";
}

/** The table's own check once more: a version is never announced longer than its layout allows. */
function assertSize(sizeBytes: number): void {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > documentBytesMax)
    throw new RangeError("not the size of a document");
}

/** Neither a version yet nor being given up. */
const isOpen = sql`v.number IS NULL AND v.ended_at IS NULL`;

/** An upload that is not complete yet, of a document that the actor sees. */
export async function findUpload(
  database: TenantDatabase,
  document: DocumentId,
  id: UploadId,
): Promise<OpenUpload | null> {
  const [rows] = await database.read(sql`
    SELECT v.id, v.document_id, v.size_bytes::double precision AS size_bytes, v.declared_type, v.upload, d.wrapped_key, d.owner_id,
      v.created_by, v.created_at + make_interval(hours => ${uploadHours}) AS expires_at,
      ARRAY(SELECT p.part FROM document_parts p WHERE p.version_id = v.id ORDER BY p.part) AS parts,
      ARRAY(SELECT p.etag FROM document_parts p WHERE p.version_id = v.id ORDER BY p.part) AS etags
    FROM document_versions v JOIN documents d ON d.id = v.document_id
    WHERE v.id = ${id} AND d.id = ${document} AND ${isOpen} AND d.deleted_at IS NULL`);
  const row = rows?.[0];
  return row === undefined ? null : uploadOf(row);
}

/** True when it became a version of a document that the actor sees. */
export async function isComplete(database: TenantDatabase, document: DocumentId, id: UploadId): Promise<boolean> {
  const [rows] = await database.read(sql`
    SELECT FROM document_versions WHERE id = ${id} AND document_id = ${document} AND number IS NOT NULL`);
  return rows?.length === 1;
}

/** Notes a part that has arrived. False when there is no such upload any more that the actor may write to. */
export async function notePart(database: TenantDatabase, id: UploadId, part: number, etag: string): Promise<boolean> {
  const [rows] = await database.write(sql`
    work AS (
      INSERT INTO document_parts (version_id, part, etag)
      SELECT v.id, ${part}::integer, ${etag}::text FROM document_versions v WHERE v.id = ${id} AND ${isOpen}
      ON CONFLICT (version_id, part) DO UPDATE SET etag = excluded.etag
      RETURNING part
    )`);
  return rows?.length === 1;
}

export interface LookedAt {
  readonly mediaType: string;
  readonly active: boolean;
  /** What was read in it, to be found by. */
  readonly text: string;
  /** Of a PDF; null of any other, and while nobody has read it. */
  readonly textState: TextState;
}

/**
 * COMMIT POINT of an upload: from here on its version is the one that is read.
 * @returns null when there is no such upload any more, or another of the same document was completed this very moment
 */
export async function completeUpload(
  database: TenantDatabase,
  { document, id }: Pick<OpenUpload, "document" | "id">,
  { mediaType, active, text, textState }: LookedAt,
): Promise<Document | null> {
  const [done, rows] = await database.writeBehind(
    // Two versions that are completed at once get numbers one after the other.
    sql`SELECT FROM documents WHERE id = ${document} FOR UPDATE`,
    sql`
      whole AS (
        UPDATE document_versions v SET media_type = ${mediaType}, active = ${active}, completed_at = now(),
          text_state = ${textState}::text, text_tries = ${mediaType === "application/pdf" ? 1 : 0},
          number = 1 + (SELECT coalesce(max(o.number), 0) FROM document_versions o WHERE o.document_id = ${document})
        WHERE v.id = ${id} AND v.document_id = ${document} AND ${isOpen}
          AND EXISTS (SELECT FROM documents d WHERE d.id = ${document} AND d.deleted_at IS NULL)
        RETURNING v.id),
      parts AS (DELETE FROM document_parts p USING whole WHERE p.version_id = whole.id),
      work AS (
        UPDATE documents d SET current_version = whole.id, updated_at = now(), text_terms = ${termsOf(text)}
        FROM whole WHERE d.id = ${document} RETURNING d.id)`,
    documentAfter(document),
  );
  const row = rows?.[0];
  return done?.length === 1 && row !== undefined ? documentOf(row, database) : null;
}

/**
 * COMMIT POINT of giving an upload up: from here on it becomes no version, so what the bucket has of it may go. Whoever
 * dies behind it leaves it to the clock.
 * @returns false when there is none that the actor may write to, or it became a version before
 */
export async function closeUpload(database: TenantDatabase, document: DocumentId, id: UploadId): Promise<boolean> {
  const [rows] = await database.write(sql`work AS (
    UPDATE document_versions SET ended_at = coalesce(ended_at, now())
    WHERE id = ${id} AND document_id = ${document} AND number IS NULL RETURNING id)`);
  return rows?.length === 1;
}

/** Forgets which parts have arrived: all of them are to be sent again. */
export async function forgetParts(database: TenantDatabase, id: UploadId): Promise<void> {
  await database.write(sql`work AS (
    DELETE FROM document_parts p USING document_versions v
    WHERE v.id = p.version_id AND p.version_id = ${id} AND ${isOpen} RETURNING p.part)`);
}

/**
 * Ends an upload, and a document that never had a version with it.
 * @returns false when there is none that the actor may write to
 */
export async function endUpload(database: TenantDatabase, document: DocumentId, id: UploadId): Promise<boolean> {
  const [rows] = await database.writeBehind(
    sql`DELETE FROM document_parts WHERE version_id = ${id}
      AND EXISTS (SELECT FROM document_versions v WHERE v.id = ${id} AND v.document_id = ${document} AND v.number IS NULL)`,
    sql`work AS (
      DELETE FROM document_versions WHERE id = ${id} AND document_id = ${document} AND number IS NULL RETURNING id)`,
    sql`DELETE FROM documents d WHERE d.id = ${document} AND d.current_version IS NULL
      AND NOT EXISTS (SELECT FROM document_versions v WHERE v.document_id = d.id)`,
  );
  return rows?.length === 1;
}

function uploadOf(row: Row): OpenUpload {
  const [parts, etags] = [row["parts"], row["etags"]];
  if (!Array.isArray(parts) || !Array.isArray(etags)) throw new Error("the columns of parts hold no lists");
  return {
    document: idColumn("document", row, "document_id"),
    id: idColumn("upload", row, "id"),
    sizeBytes: integerColumn(row, "size_bytes"),
    declaredType: textColumn(row, "declared_type"),
    upload: textColumn(row, "upload"),
    wrappedKey: textColumn(row, "wrapped_key"),
    owner: idColumn("user", row, "owner_id"),
    by: idColumn("user", row, "created_by"),
    expiresAt: instantColumn(row, "expires_at"),
    parts: parts.map((part, index) => ({ part: Number(part), etag: String(etags[index]) })),
  };
}
