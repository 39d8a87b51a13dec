/** The queue of exports: a message names an export and nothing else, for its row says everything. */
import type { ExportId } from "../../../core/ids.ts";
import { claimExport, exportInMessage, failExport } from "../../../store/control/export-runs.ts";
import { logFailure } from "../log.ts";
import type { Services } from "../services.ts";
import { runExport } from "./run.ts";

/** What is used of a batch of messages. */
export interface ExportBatch {
  readonly queue: string;
  readonly messages: readonly {
    readonly body: unknown;
    /** From 1. */
    readonly attempts: number;
    ack(): void;
    retry(options: { readonly delaySeconds: number }): void;
  }[];
}

/** Seconds until a message that failed comes again: the first soon, the last after a quarter of an hour. */
const retrySecondsMax = 900;
const retrySeconds = (attempts: number): number => Math.min(retrySecondsMax, 5 * 3 ** Math.min(attempts, 6));

/** Where messages end that failed as often as wrangler.toml says. */
export const deadExportsQueue = "sentinel-exports-dead";

/**
 * Works through a batch, one export after the other. What came no further by itself is put into the queue again by
 * whoever had it, what threw is tried again later, and what was lost altogether the clock finds (upkeep.ts).
 */
export async function runExportBatch(services: Services, { queue, messages }: ExportBatch): Promise<void> {
  for (const message of messages) {
    const id = exportInMessage(message.body);
    try {
      if (id !== null) await (queue === deadExportsQueue ? giveUp(services, id) : runExport(services, id));
      message.ack();
    } catch (error) {
      logFailure({ request_id: services.makeId("request"), route: "exports", step: "queue" }, error);
      message.retry({ delaySeconds: retrySeconds(message.attempts) });
    }
  }
}

async function giveUp(services: Services, id: ExportId): Promise<void> {
  const claimed = await claimExport(services.database, id);
  if (claimed !== null) await failExport(services.database, claimed, "gave_up");
}
