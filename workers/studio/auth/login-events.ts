import type { AuditFields } from "../../../core/audit/events.ts";
import type { OrgId, UserId } from "../../../core/ids.ts";
import { audited } from "../pipeline/audit.ts";
import type { RequestContext } from "../pipeline/request-context.ts";

/** Organisations whose logs one sign-in is written to: a person in hundreds must not cost hundreds of writes. */
export const loginLogsMax = 20;

export function loginEvent(context: RequestContext, user: UserId | null, outcome: "success" | "failure"): AuditFields {
  const { clientIp, userAgent } = context;
  return { type: "login", user_id: user, ip: clientIp, user_agent: userAgent, outcome, mfa: "none" };
}

/** Writes a login event to the organisations' logs; the platform's log gets it alongside the outcome. @throws AuditUnavailable */
export async function appendToOrganisations(
  context: RequestContext,
  orgs: readonly OrgId[],
  event: AuditFields,
): Promise<void> {
  const { services, requestId } = context;
  await audited(() =>
    Promise.all(
      orgs.slice(0, loginLogsMax).map(async (org) => {
        const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", org, requestId);
        await services.audit.append(call, org, [event]);
      }),
    ),
  );
}
