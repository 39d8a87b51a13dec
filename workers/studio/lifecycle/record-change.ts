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
 * organisation's own when that is another.
 * @param log its own; null when that is erased, and not begun anew
 * @throws AuditUnavailable
 */
export async function recordOrgChange(
  context: RequestContext,
  change: OrgChange,
  log: OrgId | null = change.org,
): Promise<void> {
  // An owner's request is in the organisation's log itself; the operator's is in a platform's.
  if (change.by === null && log !== null) await recordForOrganisation(context, log, eventOf(change));
  else context.caused([eventOf(change)]);
}

/** Puts what the operator did to an organisation on record in both logs, the platform's and its own. @throws AuditUnavailable */
export async function recordForOrganisation(context: RequestContext, org: OrgId, event: AuditFields): Promise<void> {
  context.caused([event]);
  await appendEvent(context.services, event, org, context.requestId);
}

/** Writes it to one log, null: a platform's. @throws AuditUnavailable */
export async function appendOrgChange(
  services: Services,
  change: OrgChange,
  log: OrgId | null,
  requestId: RequestId,
): Promise<void> {
  await appendEvent(services, eventOf(change), log, requestId);
}

async function appendEvent(
  services: Services,
  event: AuditFields,
  log: OrgId | null,
  requestId: RequestId,
): Promise<void> {
  await audited(async () => {
    const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", log, requestId);
    await services.audit.append(call, log, [event]);
  });
}

function eventOf({ org, by, action, detail }: OrgChange): AuditFields {
  return { type: "org_change", user_id: by, org_id: org, action, detail: detail ?? null };
}
