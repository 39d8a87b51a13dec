import type { RequestId } from "../../../core/ids.ts";
import { claimRun, endSilentRuns, queueDue } from "../../../store/control/backup-runs.ts";
import { logFailure } from "../log.ts";
import type { Services } from "../services.ts";
import { recordBackups } from "./record.ts";
import { runBackup } from "./run.ts";

/**
 * No run is begun later than this in one visit of the clock: an invocation ends after fifteen minutes, and the longest
 * run (workers/capabilities/backups/make.ts) with its reading again takes some eleven.
 */
const beginMsMax = 3 * 60_000;
/** Queued in one visit. A night of five hours has 300 of them. */
const queuedAtOnce = 100;

/**
 * What the clock does for backups, every minute: runs that nobody has heard of are ended, what is due is queued, and
 * what is queued is run, one after the other; the clock's next visits run beside this one, as many as may at once.
 * Nothing of it waits for another organisation to succeed.
 */
export async function runBackupUpkeep(services: Services): Promise<void> {
  const endsAtMs = services.now() + beginMsMax;
  await attempt(services, "silent", async (requestId) => {
    for (const { scope, backup } of await endSilentRuns(services.database))
      await recordBackups(services, scope.org, [backup], "failed", requestId);
  });
  await attempt(services, "queue", async () => {
    const ids = Array.from({ length: queuedAtOnce }, () => services.makeId("backup"));
    await queueDue(services.database, services.now(), ids);
  });
  await attempt(services, "run", async () => {
    while (services.now() < endsAtMs) {
      const claimed = await claimRun(services.database);
      if (claimed === null) return;
      await runBackup(services, claimed);
    }
  });
}

async function attempt(services: Services, step: string, work: (id: RequestId) => Promise<void>): Promise<void> {
  const requestId = services.makeId("request");
  try {
    await work(requestId);
  } catch (error) {
    logFailure({ request_id: requestId, route: "backups", step }, error);
  }
}
