import type { AuditFields } from "../../core/audit/events.ts";
import type { OrgId, RequestId } from "../../core/ids.ts";
import { unfinishedRevocations } from "../../store/control/api-keys.ts";
import {
  type DueReminder,
  dueReminders,
  findOutlived,
  markReminded,
  retireOutlived,
} from "../../store/control/outside/secrets.ts";
import { runAlertMails } from "./audit/alerts/tell.ts";
import { runAuditStreams } from "./audit/stream/run.ts";
import { expelKeys } from "./auth/api-keys.ts";
import { runBackupUpkeep } from "./backups/upkeep.ts";
import { runMetering } from "./billing/metering.ts";
import { runBillingUpkeep } from "./billing/upkeep.ts";
import { runDocumentUpkeep } from "./documents/upkeep.ts";
import { runExportUpkeep } from "./exports/upkeep.ts";
import { runGeoUpkeep } from "./geo/upkeep.ts";
import { runLifecycle } from "./lifecycle/run-lifecycle.ts";
import { logFailure } from "./log.ts";
import { secretExpiryMail } from "./mail/secret-expiry.ts";
import { audited } from "./pipeline/audit.ts";
import type { Services } from "./services.ts";

/**
 * What the clock asks for, every hour: client secrets past their overlap are retired and forgotten, and
 * administrators are reminded of those that expire, and hubs hear of the API keys that were revoked while they were away. Each part runs whatever became of the one before; what
 * fails is done in the next hour, because it is still due then.
 */
export async function runScheduled(services: Services): Promise<void> {
  await attempt("retireSecrets", (requestId) => retireSecrets(services, requestId), services);
  await attempt("expelKeys", (requestId) => expelRevokedKeys(services, requestId), services);
  await attempt("remind", (requestId) => remind(services, requestId), services);
}

/** The trigger in wrangler.toml that means {@link runEveryMinute}; the other one is the hour's. */
export const everyMinute = "* * * * *";

/** Everything that is due each minute. Backups take minutes, and nothing waits for them; each logs what fails itself. */
export async function runEveryMinute(services: Services): Promise<void> {
  await Promise.all([
    runGeoUpkeep(services),
    runBackupUpkeep(services),
    runDocumentUpkeep(services),
    runExportUpkeep(services),
    runAuditStreams(services),
    runAlertMails(services),
    runMetering(services),
  ]);
}

/** Everything that is due each hour. */
export async function runHourly(services: Services): Promise<void> {
  await runScheduled(services);
  await runLifecycle(services);
  await runBillingUpkeep(services);
}

async function attempt(step: string, work: (requestId: RequestId) => Promise<void>, services: Services): Promise<void> {
  const requestId = services.makeId("request");
  try {
    await work(requestId);
  } catch (error) {
    logFailure({ request_id: requestId, route: "scheduled", step }, error);
  }
}

async function retireSecrets(services: Services, requestId: RequestId): Promise<void> {
  for (const { id, owner } of await findOutlived(services.database, services.now())) {
    const event = { type: "key_change", user_id: null, kind: "client_secret", key_id: id, action: "revoked" } as const;
    // The log first: a crash in between leaves it said twice, never unsaid.
    await append(services, owner, event, requestId);
    await retireOutlived(services.database, { requestId, nowMs: services.now() }, id);
  }
}

/** Hubs that were away when an API key was revoked are told now: their sockets would last as long as the key. */
async function expelRevokedKeys(services: Services, requestId: RequestId): Promise<void> {
  await expelKeys(services, await unfinishedRevocations(services.database), requestId);
}

async function append(services: Services, log: OrgId | null, event: AuditFields, requestId: RequestId): Promise<void> {
  await audited(async () => {
    const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", log, requestId);
    await services.audit.append(call, log, [event]);
  });
}

/** A step counts as mailed once all of its mails left: a second copy is better than none. */
async function remind(services: Services, requestId: RequestId): Promise<void> {
  for (const due of await dueReminders(services.database, services.now())) {
    try {
      await mail(services, due);
      await markReminded(services.database, due.secret, due.days);
    } catch (error) {
      logFailure({ request_id: requestId, route: "scheduled", step: "remind" }, error);
    }
  }
}

async function mail(services: Services, due: DueReminder): Promise<void> {
  for (const to of due.recipients) await services.sendMail(secretExpiryMail(to, services.publicUrl, due));
}
