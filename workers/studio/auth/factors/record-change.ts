import type { AuditFields, FactorChange } from "../../../../core/audit/events.ts";
import type { UserId } from "../../../../core/ids.ts";
import { afterAnswer } from "../../after-answer.ts";
import { factorChangedMail } from "../../mail/factor-messages.ts";
import type { MailMessage } from "../../mail/mailer.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { appendToOrganisationsOf } from "../login-events.ts";

/**
 * Records what has just changed in how a person proves themselves: in the platform's log with the outcome,
 * in the logs of their organisations like a sign-in, and to the person by mail (ASVS 6.3.7).
 * @throws AuditUnavailable
 */
export async function recordFactorChange(
  context: RequestContext,
  who: { readonly user: UserId; readonly email: string },
  change: FactorChange,
): Promise<void> {
  const { services } = context;
  const event: AuditFields = { type: "factor_change", user_id: who.user, ...change };
  context.caused([event]);
  mailLater(context, factorChangedMail(who.email, services.publicUrl, change, new Date(services.now())));
  await appendToOrganisationsOf(context, who.user, event);
}

/** The change is done; a mail provider that is down must not make it look as if it were not. */
export function mailLater(context: RequestContext, message: MailMessage): void {
  afterAnswer(context, "mailLater", context.services.sendMail(message));
}
