import type { RequestId } from "../../../core/ids.ts";
import { lapsedGeoChanges, revertGeoRules, untoldHubs } from "../../../store/control/geo-policies.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { logFailure } from "../log.ts";
import { audited } from "../pipeline/audit.ts";
import type { Services } from "../services.ts";
import { hubCallWithoutUser, spreadGeoPolicy, tellHub } from "./tell-hub.ts";

/**
 * What the clock does for geo policies, every minute: changes that nobody confirmed are put away (whoever judges has
 * gone back to the old rules already, at the very moment), and hubs that were away are told. Each organisation by
 * itself, so that one that fails keeps no other waiting; it is still due the next minute.
 */
export async function runGeoUpkeep(services: Services): Promise<void> {
  for (const scope of await lapsedGeoChanges(services.database, services.now())) {
    await attempt(services, "revert", (requestId) => revert(services, scope, requestId));
  }
  for (const scope of await untoldHubs(services.database)) {
    await attempt(services, "tellHub", (requestId) =>
      tellHub(services, scope, () => hubCallWithoutUser(services, scope.org, requestId)),
    );
  }
}

async function revert(services: Services, scope: OrgScope, requestId: RequestId): Promise<void> {
  const { org } = scope;
  const reverted = await revertGeoRules(services.database, { requestId, nowMs: services.now() }, scope);
  if (reverted === null) return;
  await spreadGeoPolicy(services, scope, requestId, () => hubCallWithoutUser(services, org, requestId), reverted);
  await audited(async () => {
    const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", org, requestId);
    await services.audit.append(call, org, [{ type: "policy_change", user_id: null, policy: "geo_reverted" }]);
  });
}

async function attempt(services: Services, step: string, work: (id: RequestId) => Promise<void>): Promise<void> {
  const requestId = services.makeId("request");
  try {
    await work(requestId);
  } catch (error) {
    logFailure({ request_id: requestId, route: "scheduled", step }, error);
  }
}
