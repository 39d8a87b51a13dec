import type { OrgId, RequestId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { markHubTold } from "../../../store/control/geo-policies.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { readPolicy, type VersionedPolicy } from "../../../store/control/policies.ts";
import { logFailure } from "../log.ts";
import { publishPolicy } from "../routes/organisations/publish-policy.ts";
import type { Services } from "../services.ts";

/**
 * Brings a changed geo policy, or changed limits, to everybody who judges by them: the edge, whose isolates see it
 * within a minute, then the hub, which closes the sockets that a geo policy refuses. The edge first: a socket that is closed comes back at once.
 *
 * A hub that does not answer is no reason to refuse the change, which is stored: it is told by the clock, every minute
 * until it knows (`upkeep.ts`).
 * @param changed what this request has just stored, if it knows: that is told first
 * @returns what everybody was told last
 * @throws Unavailable when the edge's copy could not be written
 */
export async function spreadGeoPolicy(
  services: Services,
  scope: OrgScope,
  requestId: RequestId,
  makeCall: () => Promise<SignedCall>,
  changed: VersionedPolicy | null = null,
): Promise<VersionedPolicy> {
  return await publishPolicy(services, scope, changed, async (published) => {
    try {
      return await putAtHub(services, scope, makeCall, published);
    } catch (error) {
      logFailure({ request_id: requestId, route: "geo", step: "tellHub" }, error);
      return await readPolicy(services.database, scope);
    }
  });
}

/** @throws what the hub or the database throws */
export async function tellHub(services: Services, scope: OrgScope, makeCall: () => Promise<SignedCall>): Promise<void> {
  const stored = await readPolicy(services.database, scope);
  if (stored === null) throw new Error("an organisation without a row has no policy");
  await putAtHub(services, scope, makeCall, stored);
}

/** @returns what is stored by now */
async function putAtHub(
  services: Services,
  scope: OrgScope,
  makeCall: () => Promise<SignedCall>,
  { policy, version }: VersionedPolicy,
): Promise<VersionedPolicy | null> {
  await services.hub.putGeo(await makeCall(), scope.org, policy.geo, Number(version));
  await services.hub.putLimits(await makeCall(), scope.org, policy.limits, Number(version));
  return await markHubTold(services.database, scope, version);
}

/** Nobody's call: the clock's, or of somebody who broke the glass. */
export function hubCallWithoutUser(services: Services, org: OrgId, requestId: RequestId): Promise<SignedCall> {
  return services.caller.asJob("durable-objects.hub-control", "provision", org, requestId);
}
