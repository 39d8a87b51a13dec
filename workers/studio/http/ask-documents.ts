import type { AuditFields } from "../../../core/audit/events.ts";
import type { DocumentId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { DocumentResult, DocumentsRpc } from "../../../core/rpc/documents.ts";
import { limitsOf } from "../../../core/tenancy/plan.ts";
import { readRoom } from "../../../store/control/quotas.ts";
import { fromPart, refusalOf } from "../downstream.ts";
import { quotaExceeded } from "../lifecycle/quota.ts";
import type { MemberContext } from "../pipeline/request-context.ts";
import { answer, type HandlerResult, type Refusal, refuse } from "./result.ts";

/** What somebody does with a document, for the log. */
export type DocumentAccess = Extract<AuditFields, { type: "data_access" }>["action"];

/** Asks the documents capability on the member's behalf. @throws Unavailable */
export function askDocuments<T>(
  context: MemberContext,
  ask: (documents: DocumentsRpc, call: SignedCall) => Promise<T>,
): Promise<T> {
  return fromPart("documents", async () =>
    ask(context.services.documents, await context.asUser("capabilities.documents")),
  );
}

/**
 * … and answers with what it says.
 * @param did on record with the request, before the answer leaves
 */
export async function answerFromDocuments<T, V>(
  context: MemberContext,
  ask: (documents: DocumentsRpc, call: SignedCall) => Promise<DocumentResult<T>>,
  view: (value: T) => V,
  did?: { readonly action: DocumentAccess; readonly of: (value: T) => DocumentId },
): Promise<HandlerResult<V>> {
  const result = await askDocuments(context, ask);
  if (!result.ok) return documentRefusal(context, result);
  if (did !== undefined) context.caused([documentAccess(context, did.of(result.value), did.action)]);
  return answer(view(result.value));
}

/** Who did what with which document. */
export const documentAccess = (context: MemberContext, document: DocumentId, action: DocumentAccess): AuditFields => ({
  type: "data_access",
  user_id: context.person.user,
  document_id: document,
  action,
});

/** Maps the capability's refusal to the problem that the client sees. */
export async function documentRefusal(
  context: MemberContext,
  result: Extract<DocumentResult<unknown>, { ok: false }>,
): Promise<Refusal> {
  switch (result.code) {
    case "invalid_range":
      return refuse("invalid_range", { headers: { "Content-Range": `bytes */${result.sizeBytes}` } });
    case "harmful":
      return refuse("harmful_document");
    case "too_large":
      return refuse("too_large");
    case "too_many":
      return refuse("conflict", { detail: "There are as many of them as there may be" });
    case "storage_full":
      return quotaExceeded("storage_bytes", (await storageRoom(context)).bytesMax);
    case "not_found":
    case "forbidden":
    case "conflict":
    case "invalid_cursor":
    case "invalid_request":
    case "key_unavailable":
      return refusalOf({ ok: false, code: result.code });
  }
}

/** Bytes that the organisation's plan allows, and whether anything may be added at all. */
export async function storageRoom({
  services,
  scope,
}: MemberContext): Promise<{ readonly bytesMax: number; readonly restricted: boolean }> {
  const room = await readRoom(services.database, scope);
  if (room === null) throw new Error("a member's organisation has no plan");
  return { bytesMax: limitsOf(room.plan, services.limitScale).storage_bytes, restricted: room.restricted };
}
