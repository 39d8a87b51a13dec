import { markDeletionMailed, unmailedDeletions } from "../../../store/control/deletions.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { deletionMail } from "../mail/deletion.ts";
import type { Services } from "../services.ts";

/**
 * Tells the owners of what is to be deleted. It counts as told once all mails left: a second copy is better
 * than none, so the clock sends them again when one did not.
 * @param scope one organisation, or null for all that are due
 * @throws Unavailable
 */
export async function mailOwners(services: Services, scope: OrgScope | null): Promise<void> {
  for (const due of await unmailedDeletions(services.database, scope)) {
    for (const to of due.owners) await services.sendMail(deletionMail(to, services.publicUrl, due));
    await markDeletionMailed(services.database, due.scope);
  }
}
