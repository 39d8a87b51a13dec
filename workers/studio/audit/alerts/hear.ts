import { type OrgId, parseId } from "../../../../core/ids.ts";
import type { AuditIntakeRpc } from "../../../../core/rpc/durable-objects.ts";
import type { Database } from "../../../../store/connect.ts";
import { markAlert } from "../../../../store/control/audit-alert-mails.ts";
import { unfinishedScope } from "../../../../store/control/scope-makers.ts";
import { logFailure } from "../../log.ts";

/**
 * The log's intake, listened to: it answers when an event completed a pattern, and then somebody is to be mailed.
 * Alerts of a platform log belong to no organisation.
 * @param heard is not waited for: whoever's request it was may be the one that the alert is about
 */
export function hearAlerts(intake: AuditIntakeRpc, heard: (org: OrgId) => void): AuditIntakeRpc {
  const listening: Pick<AuditIntakeRpc, "append" | "outcome"> = {
    append: async (call, log, events) => {
      const appended = await intake.append(call, log, events);
      if (log !== null && (appended.alerts ?? 0) > 0) heard(log);
      return appended;
    },
    outcome: async (call, intent, event, alongside) => {
      const closed = await intake.outcome(call, intent, event, alongside);
      const org = parseId("org", intent.log);
      if (org !== null && (closed.alerts ?? 0) > 0) heard(org);
      return closed;
    },
  };
  // Everything else goes to the binding as it is.
  return new Proxy(intake, {
    get: (target, name) => (name === "append" || name === "outcome" ? listening[name] : Reflect.get(target, name)),
  });
}

/** Writes down that there is an alert to tell of. One that is lost here is told of with the next. Never throws. */
export async function noteAlert(database: Database, org: OrgId, nowMs: number): Promise<void> {
  try {
    await markAlert(database, unfinishedScope(org), nowMs);
  } catch (error) {
    logFailure({ request_id: null, route: "audit_alerts", step: "note" }, error);
  }
}
