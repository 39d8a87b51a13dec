import type { DocumentId, OrgId, RequestId, UserId } from "../../../core/ids.ts";
import { documentsDueNow } from "../../../store/control/document-upkeep.ts";
import { logFailure } from "../log.ts";
import { audited } from "../pipeline/audit.ts";
import type { Services } from "../services.ts";

/**
 * What the clock does for documents, every minute for some organisations and once a day for each: uploads that nobody
 * finished are ended, and documents whose time in the bin is over. What fails is due again the next day, and keeps no
 * other organisation waiting.
 */
export async function runDocumentUpkeep(services: Services): Promise<void> {
  const requestId = services.makeId("request");
  let due: readonly OrgId[] = [];
  try {
    due = await documentsDueNow(services.database, services.now());
  } catch (error) {
    logFailure({ request_id: requestId, route: "documents", step: "due" }, error);
  }
  for (const org of due) {
    try {
      await tendDocuments(services, org, services.makeId("request"));
    } catch (error) {
      logFailure({ request_id: requestId, route: "documents", step: "tend" }, error);
    }
  }
}

/** One organisation's. A document's end is on record before anything of it is gone. */
export async function tendDocuments(services: Services, org: OrgId, requestId: RequestId): Promise<void> {
  const call = () => services.caller.asJob("capabilities.documents", "tend_documents", org, requestId);
  for (const { document, deletedBy } of await services.documents.tend(await call())) {
    await recordEnd(services, { org, document, deletedBy }, requestId);
    await services.documents.expunge(await call(), document);
  }
}

/** By the word of whoever put it into the bin. */
async function recordEnd(
  services: Services,
  { org, document, deletedBy }: { readonly org: OrgId; readonly document: DocumentId; readonly deletedBy: UserId },
  requestId: RequestId,
): Promise<void> {
  await audited(async () => {
    const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", org, requestId);
    const event = { type: "data_access", user_id: deletedBy, document_id: document, action: "delete" } as const;
    await services.audit.append(call, org, [event]);
  });
}
