/** Documents of a tenant: what is known of them. Row-level security chooses whose. */
import { activeNamePattern } from "../../core/documents/active-name.ts";
import { binDays } from "../../core/documents/bin.ts";
import { type DocumentId, parseId, type UploadId } from "../../core/ids.ts";
import {
  type Document,
  type DocumentList,
  type DocumentVersion,
  documentTexts,
  type Page,
} from "../../core/rpc/documents.ts";
import { type Row, type Statement, sql } from "../connect.ts";
import { booleanColumn, idColumn, instantColumn, instantOrNullColumn, integerColumn, textColumn } from "./columns.ts";
import { queryOf, termsOf } from "./document-terms.ts";
import { textTriesMax } from "./document-texts.ts";
import { type Keyset, pageOf } from "./page.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/** Something in it may run: by its bytes, or by what the document is called now. */
export const activeColumn = sql`(v.active OR d.name ~* ${activeNamePattern}) AS active`;

const versionColumns = sql`v.id AS version_id, v.number, v.size_bytes::double precision AS size_bytes, v.media_type,
  ${activeColumn}, v.created_by, v.completed_at,
  CASE WHEN v.media_type <> 'application/pdf' OR v.id <> d.current_version THEN NULL
    ELSE coalesce(v.text_state, CASE WHEN v.text_tries < ${textTriesMax} THEN 'waiting' ELSE 'unreadable' END)
  END AS text_state`;
const columns = sql`d.id, d.name, d.owner_id, d.created_at, d.updated_at, d.deleted_at, ${versionColumns}`;
/** Only what has a version: an upload is nobody's document yet. */
const documents = sql`documents d JOIN document_versions v ON v.id = d.current_version`;

/** Newest first. */
export async function listDocuments(
  database: TenantDatabase,
  { query, bin }: Pick<DocumentList, "query" | "bin">,
  keyset: Keyset,
): Promise<Page<Document>> {
  const wanted = query === null ? sql`true` : found(query);
  const [rows] = await database.read(sql`
    SELECT ${columns} FROM ${documents}
    WHERE (d.deleted_at IS NOT NULL) = ${bin}::boolean AND (${keyset.after}::text IS NULL OR d.id < ${keyset.after})
      AND ${wanted}
    ORDER BY d.id DESC LIMIT ${keyset.limit + 1}`);
  return pageOf(
    (rows ?? []).map((row) => documentOf(row, database)),
    keyset,
  );
}

function found(query: string): Statement {
  const terms = queryOf(query);
  return terms === null ? sql`false` : sql`d.terms @@ (${terms})`;
}

/** Those in the bin too; null when the actor sees no such document. */
export async function findDocument(database: TenantDatabase, id: DocumentId): Promise<Document | null> {
  const [rows] = await database.read(sql`SELECT ${columns} FROM ${documents} WHERE d.id = ${id}`);
  const row = rows?.[0];
  return row === undefined ? null : documentOf(row, database);
}

/** Oldest first; null when the actor sees no such document. */
export async function listVersions(database: TenantDatabase, id: DocumentId): Promise<DocumentVersion[] | null> {
  const [rows] = await database.read(sql`
    SELECT ${versionColumns} FROM document_versions v JOIN documents d ON d.id = v.document_id
    WHERE d.id = ${id} AND v.number IS NOT NULL ORDER BY v.number`);
  return rows === undefined || rows.length === 0 ? null : rows.map(versionOf);
}

/** What opens a version. */
export interface StoredVersion {
  readonly document: DocumentId;
  readonly id: UploadId;
  readonly name: string;
  /** The document's key, wrapped. */
  readonly wrappedKey: string;
  readonly version: DocumentVersion;
}

/** A version by its number (null: the current one) of a document that is not in the bin. */
export async function findVersion(
  database: TenantDatabase,
  id: DocumentId,
  number: number | null,
): Promise<StoredVersion | null> {
  const [rows] = await database.read(sql`
    SELECT d.id, d.name, d.wrapped_key, ${versionColumns}
    FROM documents d JOIN document_versions v ON v.document_id = d.id
    WHERE d.id = ${id} AND d.deleted_at IS NULL AND v.number IS NOT NULL
      AND CASE WHEN ${number}::integer IS NULL THEN v.id = d.current_version ELSE v.number = ${number} END`);
  const row = rows?.[0];
  if (row === undefined) return null;
  return {
    document: idColumn("document", row, "id"),
    id: idColumn("upload", row, "version_id"),
    name: textColumn(row, "name"),
    wrappedKey: textColumn(row, "wrapped_key"),
    version: versionOf(row),
  };
}

/** Of one that is not in the bin. Null when there is none that the actor may write. */
export async function renameDocument(database: TenantDatabase, id: DocumentId, name: string): Promise<Document | null> {
  return changed(
    database,
    id,
    sql`UPDATE documents SET name = ${name}, name_terms = ${termsOf(name)}, updated_at = now()
      WHERE id = ${id} AND deleted_at IS NULL AND current_version IS NOT NULL RETURNING id`,
  );
}

/** Into the bin. Null when there is none that the actor may write, or it is there already. */
export async function binDocument(database: TenantDatabase, id: DocumentId, by: string): Promise<Document | null> {
  return changed(
    database,
    id,
    sql`UPDATE documents SET deleted_at = now(), deleted_by = ${by}
      WHERE id = ${id} AND deleted_at IS NULL AND current_version IS NOT NULL RETURNING id`,
  );
}

/** Out of the bin. Null when there is none in it that the actor may write, or its time there is over. */
export async function restoreDocument(database: TenantDatabase, id: DocumentId): Promise<Document | null> {
  return changed(
    database,
    id,
    sql`UPDATE documents SET deleted_at = NULL, deleted_by = NULL
      WHERE id = ${id} AND deleted_at > now() - make_interval(days => ${binDays}) RETURNING id`,
  );
}

async function changed(database: TenantDatabase, id: DocumentId, change: Statement): Promise<Document | null> {
  const [done, rows] = await database.write(
    sql`work AS (${change})`,
    sql`SELECT ${columns} FROM ${documents} WHERE d.id = ${id}`,
  );
  const row = rows?.[0];
  return done?.length === 1 && row !== undefined ? documentOf(row, database) : null;
}

/** What stands in two tables' rows, as the actor sees it. */
export function documentOf(row: Row, { scope: { actor } }: TenantDatabase): Document {
  const owner = idColumn("user", row, "owner_id");
  // As the policies of documents have it: this only says which buttons make sense.
  const mayWrite =
    actor.kind === "user" &&
    (actor.role === "owner" || actor.role === "admin" || (actor.role === "analyst" && actor.user === owner));
  return {
    id: idColumn("document", row, "id"),
    name: textColumn(row, "name"),
    owner,
    createdAt: instantColumn(row, "created_at"),
    updatedAt: instantColumn(row, "updated_at"),
    deletedAt: instantOrNullColumn(row, "deleted_at"),
    mayWrite,
    version: versionOf(row),
  };
}

function versionOf(row: Row): DocumentVersion {
  return {
    number: integerColumn(row, "number"),
    sizeBytes: integerColumn(row, "size_bytes"),
    mediaType: textColumn(row, "media_type"),
    active: booleanColumn(row, "active"),
    text: documentTexts.find((known) => known === row["text_state"]) ?? null,
    createdBy: parseId("user", row["created_by"]) ?? idColumn("user", row, "created_by"),
    completedAt: instantColumn(row, "completed_at"),
  };
}

/** {@link documentOf}'s columns, for whoever changes something and reads it in the same transaction. */
export const documentAfter = (id: DocumentId): Statement => sql`SELECT ${columns} FROM ${documents} WHERE d.id = ${id}`;
