import { z } from "@hono/zod-openapi";
import { alertMailEnabled, alertMailsADayMax, setAlertMail } from "../../../../../store/control/audit-alert-mails.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { answer } from "../../../http/result.ts";

const settings = z.object({ mail: z.boolean(), mails_a_day_max: z.int() });

export const getAuditAlerts = defineRoute(
  "getAuditAlerts",
  { caller: "member", status: 200, answer: settings },
  async ({ services, scope }) =>
    answer({ mail: await alertMailEnabled(services.database, scope), mails_a_day_max: alertMailsADayMax }),
);

/** The alerts themselves are in the log whatever is set here. */
export const putAuditAlerts = defineRoute(
  "putAuditAlerts",
  { caller: "member", body: z.strictObject({ mail: z.boolean() }), status: 200, answer: settings },
  async (context, { body: { mail } }) => {
    const { services, scope, person } = context;
    await setAlertMail(services.database, context.write(), scope, mail);
    context.caused([{ type: "policy_change", user_id: person.user, policy: "audit_alerts" }]);
    return answer({ mail, mails_a_day_max: alertMailsADayMax });
  },
);
