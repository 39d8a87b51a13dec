import type { ExportId } from "../../../core/ids.ts";
import { logFailure } from "../log.ts";
import type { Services } from "../services.ts";

/** Puts an export into the queue. One that did not get there the clock puts there a minute later. */
export async function enqueueExport(services: Pick<Services, "exportQueue" | "makeId">, id: ExportId): Promise<void> {
  try {
    await services.exportQueue.send({ export: id });
  } catch (error) {
    logFailure({ request_id: services.makeId("request"), route: "exports", step: "enqueue" }, error);
  }
}
