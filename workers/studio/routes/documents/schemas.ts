import { z } from "@hono/zod-openapi";
import { countParts, documentBytesMax } from "../../../../core/documents/layout.ts";
import { type Document, type DocumentVersion, documentTexts, type Upload } from "../../../../core/rpc/documents.ts";
import { idOf, idText, instant, nameOf } from "../../http/schemas.ts";

export const documentParams = z.strictObject({ doc: idOf("document") });
export const uploadParams = z.strictObject({ doc: idOf("document"), upload: idOf("upload") });

/** Characters of a name: what file systems take. */
const nameCharactersMax = 255;
/** No path: where it is saved it must not choose where. And nothing that turns the reading direction of its end. */
export const documentName = nameOf(nameCharactersMax)
  .refine((text) => !/[/\\\u202A-\u202E\u2066-\u2069]/.test(text), "must be the name of a file, without a path")
  .refine((text) => !/^\.+$/.test(text), "must not be dots alone");

/** What is about to come. The type is what the uploader takes it for: its bytes have the last word. */
export const announced = {
  size_bytes: z.int().min(0).max(documentBytesMax),
  type: z
    .string()
    .max(127)
    .regex(/^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,62}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,62}$/, "must be a media type")
    .default("application/octet-stream"),
};

/** Number of a part, from 1. */
export const partNumber = z
  .string()
  .regex(/^[1-9][0-9]{0,2}$/)
  .transform(Number)
  .refine((part) => part <= countParts(documentBytesMax))
  .openapi({ type: "integer", minimum: 1, maximum: countParts(documentBytesMax) });

export const versionNumber = z
  .string()
  .regex(/^[1-9][0-9]{0,5}$/)
  .transform(Number)
  .openapi({ type: "integer", minimum: 1 });

export const documentVersion = z.object({
  number: z.int(),
  size_bytes: z.int(),
  /** What its bytes say it is. */
  type: z.string(),
  /** A browser or an office program would run something in it. */
  active: z.boolean(),
  /** Of a PDF: whether its words are what the document is found by; null of anything else. */
  text: z.enum(documentTexts).nullable(),
  created_by: idText,
  completed_at: instant,
});
export const document = z.object({
  id: idText,
  name: z.string(),
  owner: idText,
  created_at: instant,
  updated_at: instant,
  /** Since when it is in the bin. */
  deleted_at: instant.nullable(),
  may_write: z.boolean(),
  version: documentVersion,
});
export const upload = z.object({
  id: idText,
  document_id: idText,
  size_bytes: z.int(),
  /** Of each part but the last. */
  part_bytes: z.int(),
  part_count: z.int(),
  /** Numbers of those that have arrived. */
  parts: z.array(z.int()),
  expires_at: instant,
});

export function versionView(version: DocumentVersion): z.input<typeof documentVersion> {
  const { number, sizeBytes, mediaType, active, text, createdBy, completedAt } = version;
  return {
    number,
    size_bytes: sizeBytes,
    type: mediaType,
    active,
    text,
    created_by: createdBy,
    completed_at: completedAt,
  };
}

export function documentView(seen: Document): z.input<typeof document> {
  const { id, name, owner, createdAt, updatedAt, deletedAt, mayWrite, version } = seen;
  return {
    id,
    name,
    owner,
    created_at: createdAt,
    updated_at: updatedAt,
    deleted_at: deletedAt,
    may_write: mayWrite,
    version: versionView(version),
  };
}

export function uploadView(begun: Upload): z.input<typeof upload> {
  return {
    id: begun.id,
    document_id: begun.document,
    size_bytes: begun.sizeBytes,
    part_bytes: begun.partBytes,
    part_count: begun.partCount,
    parts: [...begun.partsHere],
    expires_at: begun.expiresAt,
  };
}
