import type { RequestId } from "../../../core/ids.ts";
import {
  abandonCreations,
  beginErasure,
  type DueErasure,
  dueErasures,
  eraseOrganisation,
  markStepDone,
} from "../../../store/control/deletions.ts";
import { allTried } from "../all-tried.ts";
import type { Services } from "../services.ts";
import { appendOrgChange } from "./record-change.ts";
import { shredders } from "./shredders.ts";

/**
 * Erases what is due: organisations whose grace is over, and creations that nobody finished. Killed anywhere, the
 * next run goes on behind the last step that was noted. One that fails keeps no other waiting.
 * @throws the first failure, after all were tried
 */
export async function eraseDue(services: Services, requestId: RequestId): Promise<void> {
  await allTried((await dueErasures(services.database)).map((due) => erase(services, due, requestId)));
}

async function erase(services: Services, due: DueErasure, requestId: RequestId): Promise<void> {
  const { database } = services;
  // Taken back between the look and this: nothing has happened to it.
  if (!due.begun && !(await beginErasure(database, due.scope))) return;
  for (const { name, shred } of shredders) {
    if (due.stepsDone.includes(name)) continue;
    if ((await shred(services, due, requestId)) === "later") return;
    await markStepDone(database, due.scope, name);
  }
  // COMMIT POINT: its rows go and its slug is free, together.
  await eraseOrganisation(database, due.scope);
}

/** Gives up creations that nobody came back to for a day; {@link eraseDue} takes away what is left of them. */
export async function giveUpCreations(services: Services, requestId: RequestId): Promise<void> {
  const abandoned = await abandonCreations(services.database);
  await allTried(
    abandoned.map((org) => appendOrgChange(services, { org, by: null, action: "creation_abandoned" }, null, requestId)),
  );
}
