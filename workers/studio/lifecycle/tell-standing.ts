import type { RequestId } from "../../../core/ids.ts";
import { markTold, readStanding, untoldOrganisations } from "../../../store/control/lifecycle.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { allTried } from "../all-tried.ts";
import { fromPart } from "../downstream.ts";
import { publishPolicy } from "../routes/organisations/publish-policy.ts";
import type { Services } from "../services.ts";
import { Unavailable } from "../unavailable.ts";

/** Changes that may overtake one telling before it gives up; each is an operator's or owner's word in these milliseconds. */
const attemptsMax = 5;

/**
 * Tells hub and edge what the database says of an organisation, until both know the newest.
 *
 * The database comes first: from its commit on the API refuses, and if this is killed the clock finds who was
 * not told. Then the hub, which closes the sockets; a version travels with the word, so an older one that comes
 * late changes nothing. Last the edge, which needs up to a minute to hear of it in any case.
 * @throws Unavailable
 */
export async function tellStanding(services: Services, scope: OrgScope, requestId: RequestId): Promise<void> {
  const { org } = scope;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const standing = await readStanding(services.database, scope);
    if (standing === null || standing.told) return;
    const { state, plan, version } = standing;
    await fromPart("hub", async () => {
      const call = await services.caller.asJob("durable-objects.hub-control", "lifecycle", org, requestId);
      await services.hubLifecycle.setStanding(call, org, { state, plan, version });
    });
    await publishPolicy(services, scope);
    await markTold(services.database, scope, version);
  }
  throw new Unavailable("hub");
}

/** Tells whoever was away when it changed. @throws Unavailable after all were tried */
export async function tellUntold(services: Services, requestId: RequestId): Promise<void> {
  const untold = await untoldOrganisations(services.database);
  await allTried(untold.map((scope) => tellStanding(services, scope, requestId)));
}
