import type { RequestId } from "../../../core/ids.ts";
import {
  markTold,
  type OrgNow,
  type OrgOverview,
  readNow,
  untoldOrganisations,
} from "../../../store/control/lifecycle.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { allTried } from "../all-tried.ts";
import { fromPart } from "../downstream.ts";
import { putPolicy } from "../routes/organisations/publish-policy.ts";
import type { Services } from "../services.ts";
import { Unavailable } from "../unavailable.ts";

/** Changes that may overtake one telling before it gives up; each is an operator's or owner's word in these milliseconds. */
const attemptsMax = 5;

/**
 * Tells hub and edge what the database says of an organisation, until both know the newest.
 *
 * The database comes first: from its commit on the API refuses, and if this is killed the clock finds who was
 * not told. Then the hub, which closes the sockets; a version travels with the word, so an older one that comes
 * late changes nothing. Last the edge, which needs up to a minute to hear of it in any case; it is given its copy
 * again as long as a newer policy is found after it was.
 * @param known what this request has just read or changed, if it has
 * @returns the organisation as it was told; null: there is none
 * @throws Unavailable
 */
export async function tellStanding(
  services: Services,
  scope: OrgScope,
  requestId: RequestId,
  known?: OrgNow | null,
): Promise<OrgOverview | null> {
  const { org } = scope;
  let now = known === undefined ? await readNow(services.database, scope) : known;
  let published: string | null = null;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    if (now === null) return null;
    const { standing, stored } = now;
    if (standing.told && (published === null || published === stored.version)) return now.overview;
    const { state, plan, version, told } = standing;
    if (!told) {
      await fromPart("hub", async () => {
        const call = await services.caller.asJob("durable-objects.hub-control", "lifecycle", org, requestId);
        await services.hubLifecycle.setStanding(call, org, { state, plan, version });
      });
    }
    await putPolicy(services, stored.policy);
    published = stored.version;
    now = await markTold(services.database, scope, { standing: version, policy: published });
  }
  throw new Unavailable("hub");
}

/** Tells whoever was away when it changed. @throws Unavailable after all were tried */
export async function tellUntold(services: Services, requestId: RequestId): Promise<void> {
  const untold = await untoldOrganisations(services.database);
  await allTried(untold.map((scope) => tellStanding(services, scope, requestId)));
}
