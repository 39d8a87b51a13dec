import type { RequestId } from "../../../../core/ids.ts";
import {
  claimAlertMail,
  type DueAlertMail,
  markAlert,
  markAlertsTold,
} from "../../../../store/control/audit-alert-mails.ts";
import { fromPart } from "../../downstream.ts";
import { logFailure } from "../../log.ts";
import { alertsMail } from "../../mail/audit-messages.ts";
import type { Services } from "../../services.ts";

/** Organisations that one visit of the clock mails; the next one takes the rest. */
const toldMax = 50;

/** What the clock does about alerts, every minute: owners and admins of whom it concerns hear of them, in one mail. */
export async function runAlertMails(services: Services): Promise<void> {
  for (let told = 0; told < toldMax; told += 1) {
    const requestId = services.makeId("request");
    try {
      const due = await claimAlertMail(services.database, services.now());
      if (due === null) return;
      await tell(services, due, requestId);
    } catch (error) {
      logFailure({ request_id: requestId, route: "audit_alerts", step: "tell" }, error);
      return;
    }
  }
}

async function tell(services: Services, due: DueAlertMail, requestId: RequestId): Promise<void> {
  const { scope, toldSeq, slug, recipients } = due;
  try {
    const alerts = await fromPart("audit reader", async () => {
      const call = await services.caller.asJob("durable-objects.audit-reader", "audit_stream", scope.org, requestId);
      return services.auditReader.alerts(call, toldSeq);
    });
    const newest = alerts[0]?.seq;
    if (newest === undefined) return;
    for (const to of recipients) await services.sendMail(alertsMail(to, services.publicUrl, { slug, alerts }));
    await markAlertsTold(services.database, scope, newest);
  } catch (error) {
    // Due again, when its time has come: the claim has counted it.
    await markAlert(services.database, scope, services.now());
    throw error;
  }
}
