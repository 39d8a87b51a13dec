import * as z from "zod/mini";
import type { roles } from "../../../../core/tenancy/roles.ts";
import { call, callVoid, path } from "./client.ts";
import { pageRows } from "./pages.ts";
import { type Page, pageOf } from "./schemas.ts";

const versionSchema = z.object({
  number: z.number(),
  size_bytes: z.number(),
  /** What its bytes say it is. */
  type: z.string(),
  /** A browser or an office program would run something in it. */
  active: z.boolean(),
  /** Of a PDF: whether the search finds it by its words. */
  text: z.nullable(z.enum(["read", "waiting", "unreadable"])),
  created_by: z.string(),
  completed_at: z.string(),
});
export type DocumentVersion = z.infer<typeof versionSchema>;

const documentSchema = z.object({
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  /** Since when it is in the bin. */
  deleted_at: z.nullable(z.string()),
  may_write: z.boolean(),
  version: versionSchema,
});
export type Document = z.infer<typeof documentSchema>;

const uploadSchema = z.object({
  id: z.string(),
  document_id: z.string(),
  size_bytes: z.number(),
  /** Of each part but the last. */
  part_bytes: z.number(),
  part_count: z.number(),
  /** Numbers of those that have arrived, from 1. */
  parts: z.array(z.number()),
});
export type Upload = z.infer<typeof uploadSchema>;

/** Every list of an organisation's documents begins so. */
export const documentsKey = (org: string) => ["documents", org] as const;
export const documentListKey = (org: string, words: string, bin: boolean) =>
  [...documentsKey(org), words, bin] as const;
export const documentKey = (org: string, document: string) => ["document", org, document] as const;
export const versionsKey = (org: string, document: string) => [...documentKey(org, document), "versions"] as const;
export const sharesKey = (org: string, document: string) => [...documentKey(org, document), "shares"] as const;

const at = (org: string, document: string, ...rest: string[]): string =>
  path("orgs", org, "documents", document, ...rest);

/** @param words all of them in the name or the text; "": everything */
export function listDocuments(
  org: string,
  { words, bin }: { readonly words: string; readonly bin: boolean },
  cursor: string | null,
  signal: AbortSignal,
): Promise<Page<Document>> {
  const query = { limit: pageRows, cursor, q: words, bin: bin ? "true" : null };
  return call(path("orgs", org, "documents"), pageOf(documentSchema), { query, signal });
}

export function getDocument(org: string, document: string, signal: AbortSignal): Promise<Document> {
  return call(at(org, document), documentSchema, { signal });
}

/** Newest first. */
export async function listVersions(org: string, document: string, signal: AbortSignal): Promise<DocumentVersion[]> {
  const answer = await call(at(org, document, "versions"), z.object({ items: z.array(versionSchema) }), { signal });
  return answer.items.toSorted((one, other) => other.number - one.number);
}

export function renameDocument(org: string, document: string, name: string): Promise<Document> {
  return call(at(org, document), documentSchema, { method: "PUT", body: { name } });
}

export function removeDocument(org: string, document: string): Promise<void> {
  return callVoid(at(org, document), { method: "DELETE" });
}

export function restoreDocument(org: string, document: string): Promise<Document> {
  return call(at(org, document, "restore"), documentSchema, { method: "POST" });
}

/** @param document null: of a new document */
export function beginUpload(
  org: string,
  document: string | null,
  file: { readonly name: string; readonly size: number; readonly type: string },
  idempotencyKey: string,
): Promise<Upload> {
  const announced = { size_bytes: file.size, ...(mediaType.test(file.type) ? { type: file.type } : {}) };
  return document === null
    ? call(path("orgs", org, "documents"), uploadSchema, {
        method: "POST",
        body: { name: file.name, ...announced },
        idempotencyKey,
      })
    : call(at(org, document, "versions"), uploadSchema, { method: "POST", body: announced, idempotencyKey });
}

/** Browsers say nothing of kinds that they don't know, and some add parameters. */
const mediaType = /^[A-Za-z0-9][\w.+-]{0,62}\/[A-Za-z0-9][\w.+-]{0,62}$/;

export function findUpload(org: string, document: string, upload: string, signal: AbortSignal): Promise<Upload> {
  return call(at(org, document, "uploads", upload), uploadSchema, { signal });
}

export const partPath = (org: string, document: string, upload: string, part: number): string =>
  at(org, document, "uploads", upload, "parts", String(part));

export function completeUpload(org: string, document: string, upload: string): Promise<Document> {
  return call(at(org, document, "uploads", upload, "complete"), documentSchema, { method: "POST" });
}

export function cancelUpload(org: string, document: string, upload: string): Promise<void> {
  return callVoid(at(org, document, "uploads", upload), { method: "DELETE" });
}

const ticketSchema = z.object({
  ticket: z.string(),
  /** Where a form shows it. */
  action: z.string().check(z.startsWith("/content/")),
});
export type DownloadTicket = z.infer<typeof ticketSchema>;

/** For one download, within a minute. @param version null: the current one */
export function makeTicket(org: string, document: string, version: number | null): Promise<DownloadTicket> {
  return call(at(org, document, "tickets"), ticketSchema, { method: "POST", body: { version } });
}

export const granteeKinds = ["user", "group", "role"] as const;
export type GranteeKind = (typeof granteeKinds)[number];
/** Roles that see what is shared with them; the others see everything anyway. */
export const grantedRoles = ["analyst", "viewer"] as const satisfies readonly (typeof roles)[number][];

const shareSchema = z.object({
  id: z.string(),
  kind: z.enum(granteeKinds),
  /** Id of a person or group, or a role. */
  grantee: z.string(),
  until: z.nullable(z.string()),
  created_at: z.string(),
});
export type Share = z.infer<typeof shareSchema>;

export async function listShares(org: string, document: string, signal: AbortSignal): Promise<Share[]> {
  const answer = await call(at(org, document, "shares"), z.object({ items: z.array(shareSchema) }), { signal });
  return answer.items;
}

/** With whom it is shared already, until when is changed. */
export function addShare(
  org: string,
  document: string,
  share: { readonly kind: GranteeKind; readonly grantee: string; readonly until: string | null },
): Promise<Share> {
  return call(at(org, document, "shares"), shareSchema, { method: "POST", body: share });
}

export function removeShare(org: string, document: string, share: string): Promise<void> {
  return callVoid(at(org, document, "shares", share), { method: "DELETE" });
}
