import type { AuditFields } from "../../../core/audit/events.ts";
import type { OrgAction } from "../../../core/audit/vocabulary.ts";
import type { OrgId, RequestId, UserId } from "../../../core/ids.ts";
import { audited } from "../pipeline/audit.ts";
import type { RequestContext } from "../pipeline/request-context.ts";
import type { Services } from "../services.ts";

export interface OrgChange {
  readonly org: OrgId;
  /** Null: the operator, or the clock. */
  readonly by: UserId | null;
  readonly action: OrgAction;
  readonly detail?: string;
}

/**
 * Puts what has just been done to an organisation on record: in the log of this request, and in the
 * organisation's own when that is another. @throws AuditUnavailable
 */
export async function recordOrgChange(context: RequestContext, change: OrgChange): Promise<void> {
  context.caused([eventOf(change)]);
  // An owner's request is in the organisation's log itself; the operator's is in a platform's.
  if (change.by === null) await appendOrgChange(context.services, change, change.org, context.requestId);
}

/** Writes it to one log, null: a platform's. @throws AuditUnavailable */
export async function appendOrgChange(
  services: Services,
  change: OrgChange,
  log: OrgId | null,
  requestId: RequestId,
): Promise<void> {
  await audited(async () => {
    const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", log, requestId);
    await services.audit.append(call, log, [eventOf(change)]);
  });
}

function eventOf({ org, by, action, detail }: OrgChange): AuditFields {
  return { type: "org_change", user_id: by, org_id: org, action, detail: detail ?? null };
}
