import type { RequestId } from "../../../core/ids.ts";
import { logFailure } from "../log.ts";
import type { Services } from "../services.ts";
import { eraseDue, giveUpCreations } from "./erase.ts";
import { mailOwners } from "./mail-owners.ts";
import { tellUntold } from "./tell-standing.ts";

/** In this order: what was given up is taken away in the same run. */
const parts: readonly { readonly name: string; run(services: Services, requestId: RequestId): Promise<void> }[] = [
  { name: "tellUntold", run: tellUntold },
  { name: "mailOwners", run: (services) => mailOwners(services, null) },
  { name: "giveUpCreations", run: giveUpCreations },
  { name: "eraseDue", run: eraseDue },
];

/**
 * What the clock asks for of organisations as a whole, every hour: hub and edge that were away hear of a change,
 * owners of a deletion; creations that were never finished and organisations whose grace is over are erased. Each
 * part runs whatever became of the one before; what fails is still due in the next hour.
 */
export async function runLifecycle(services: Services): Promise<void> {
  for (const { name, run } of parts) {
    const requestId = services.makeId("request");
    try {
      await run(services, requestId);
    } catch (error) {
      logFailure({ request_id: requestId, route: "lifecycle", step: name }, error);
    }
  }
}
