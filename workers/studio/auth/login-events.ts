import type { AuditFields } from "../../../core/audit/events.ts";
import { knownCountry } from "../../../core/audit/field.ts";
import type { LoginFailureReason, LoginMethod } from "../../../core/audit/vocabulary.ts";
import type { OrgId, UserId } from "../../../core/ids.ts";
import { membershipsOf } from "../../../store/control/users.ts";
import { audited } from "../pipeline/audit.ts";
import type { RequestContext } from "../pipeline/request-context.ts";

/** Organisations whose logs one sign-in is written to: a person in hundreds must not cost hundreds of writes. */
export const loginLogsMax = 20;

/** One attempt: how it was made and what became of it. */
export type LoginAttempt =
  | {
      readonly outcome: "success";
      readonly method: LoginMethod;
      readonly mfa: "none" | "passed";
    }
  | {
      readonly outcome: "failure";
      readonly method: LoginMethod;
      readonly reason: LoginFailureReason;
      readonly mfa: "failed" | "not_reached";
    };

/** The login event of an attempt. @param user null when nobody is known by what was presented */
export function loginEvent(context: RequestContext, user: UserId | null, attempt: LoginAttempt): AuditFields {
  const { clientIp, userAgent } = context;
  const { outcome, method, mfa } = attempt;
  const reason = attempt.outcome === "failure" ? attempt.reason : null;
  const country = knownCountry(context.country);
  return { type: "login", user_id: user, ip: clientIp, user_agent: userAgent, outcome, mfa, method, reason, country };
}

/** Writes an event of a person to the logs of these organisations; the platform's log gets it alongside the outcome. @throws AuditUnavailable */
export async function appendToOrganisations(
  context: RequestContext,
  memberships: readonly { readonly org: OrgId }[],
  event: AuditFields,
): Promise<void> {
  const { services, requestId } = context;
  await audited(() =>
    Promise.all(
      memberships.slice(0, loginLogsMax).map(async ({ org }) => {
        const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", org, requestId);
        await services.audit.append(call, org, [event]);
      }),
    ),
  );
}

/** {@link appendToOrganisations} of a person whose memberships nobody has read yet. @throws AuditUnavailable */
export async function appendToOrganisationsOf(
  context: RequestContext,
  user: UserId,
  event: AuditFields,
): Promise<void> {
  await appendToOrganisations(context, await membershipsOf(context.services.database, user), event);
}
