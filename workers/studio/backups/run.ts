import type { RequestId } from "../../../core/ids.ts";
import type { BackupFailure, MakeResult } from "../../../core/rpc/backups.ts";
import { readControlLines } from "../../../store/control/backup-rows.ts";
import { type ClaimedRun, failRun, finishRun, noteProgress } from "../../../store/control/backup-runs.ts";
import { logFailure } from "../log.ts";
import type { Services } from "../services.ts";
import { recordBackups } from "./record.ts";
import { retireBackups } from "./retire.ts";

/**
 * One claimed run from its beginning to its end. What capabilities wrote counts once its row is there, and its row is
 * written once the log has it; a run that fails anywhere leaves neither row nor key, so the object, if there is one,
 * is noise and is deleted by a later run.
 */
export async function runBackup(services: Services, claimed: ClaimedRun): Promise<void> {
  const requestId = services.makeId("request");
  let failure: BackupFailure;
  try {
    const made = await make(services, claimed, requestId);
    if (made.ok) {
      await recordBackups(services, claimed.scope.org, [claimed.backup], "backed_up", requestId);
      // COMMIT POINT.
      if (!(await finishRun(services.database, claimed, made.value))) return;
      await retireBackups(services, claimed.scope, requestId);
      return;
    }
    failure = made.code;
  } catch (error) {
    logFailure({ request_id: requestId, route: "backups", step: "run" }, error);
    failure = "failed";
  }
  await recordFailure(services, claimed, failure, requestId);
}

async function make(services: Services, claimed: ClaimedRun, requestId: RequestId): Promise<MakeResult> {
  const { scope, backup } = claimed;
  const call = await services.caller.asJob("capabilities.backups", "tend_backups", scope.org, requestId);
  return services.backups.make(call, {
    backup,
    controlLines: () => readControlLines(services.database, scope),
    onProgress: (progress) => noteProgress(services.database, claimed, progress),
  });
}

/** Ends a run without a backup, and says so in the organisation's log. Neither keeps the other from being tried. */
export async function recordFailure(
  services: Services,
  claimed: ClaimedRun,
  failure: BackupFailure,
  requestId: RequestId,
): Promise<void> {
  const attempt = async (step: string, work: () => Promise<unknown>): Promise<unknown> => {
    try {
      return await work();
    } catch (error) {
      logFailure({ request_id: requestId, route: "backups", step }, error);
      return null;
    }
  };
  // After its commit point a run has not failed, whatever came then.
  const ended = await attempt("fail", () => failRun(services.database, claimed, failure));
  if (ended === false) return;
  await attempt("record", () => recordBackups(services, claimed.scope.org, [claimed.backup], "failed", requestId));
}
