import {
  endDueExports,
  noteTidy,
  stillExports,
  type UntidyExport,
  untidyExports,
} from "../../../store/control/export-runs.ts";
import { logFailure } from "../log.ts";
import type { Services } from "../services.ts";
import { enqueueExport } from "./enqueue.ts";

/**
 * What the clock does for exports, every minute: what stands still is put into the queue again, what is due ends, and
 * what is over leaves nothing behind in the bucket. What fails is due again at the next visit.
 */
export async function runExportUpkeep(services: Services): Promise<void> {
  await attempt(services, "still", async () => {
    for (const id of await stillExports(services.database)) await enqueueExport(services, id);
  });
  await attempt(services, "end", () => endDueExports(services.database));
  await attempt(services, "tidy", async () => {
    // An organisation whose objects can't be deleted just now keeps no other waiting.
    for (const untidy of await untidyExports(services.database))
      await attempt(services, "tidy", () => tidy(services, untidy));
  });
}

async function tidy(services: Services, { scope: { org }, id, parts }: UntidyExport): Promise<void> {
  const call = await services.caller.asJob("capabilities.exports", "run_exports", org, services.makeId("request"));
  await services.exports.discard(call, id, parts);
  await noteTidy(services.database, id);
}

async function attempt(services: Services, step: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    logFailure({ request_id: services.makeId("request"), route: "exports", step }, error);
  }
}
