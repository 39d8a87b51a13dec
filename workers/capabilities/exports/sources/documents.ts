import { countDocuments, documentRows } from "../../../../store/tenant/exports.ts";
import { cursorAfter, type Source } from "./source.ts";

/** Documents in one step: some MiB at most, for a name may have 255 characters. */
const limit = 5_000;

/** What is known of the documents that whoever asked sees, oldest first. */
export const documents: Source = {
  columns: [
    ...["document_id", "name", "owner", "created_at", "updated_at", "version", "size_bytes", "type"],
    ...["active", "version_by", "version_at"],
  ],
  async page({ database, spec, asOfMs, cursor }) {
    const found = await documentRows(database, spec.documents, { after: cursor, asOfMs, limit });
    const rows = found.map((document) => [
      ...[document.id, document.name, document.owner, document.createdAt, document.updatedAt, document.version],
      ...[document.sizeBytes, document.mediaType, document.active, document.versionBy, document.versionAt],
    ]);
    return { rows, cursor: cursorAfter(found, limit, ({ id }) => id) };
  },
  count: (database, spec, asOfMs) => countDocuments(database, spec.documents, asOfMs),
};
