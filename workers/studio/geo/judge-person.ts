import type { OrgId, UserId } from "../../../core/ids.ts";
import { mayTravel } from "../../../core/tenancy/geo-policy.ts";
import { readPolicy } from "../../../store/control/policies.ts";
import { doorScope } from "../../../store/control/scope-makers.ts";
import type { RequestContext } from "../pipeline/request-context.ts";

/**
 * Whether somebody who has just proven themselves at an organisation's door may come from where they are. The edge
 * let the request pass for the sake of travellers, not knowing whose it was; of everybody else it has judged already.
 */
export async function maySignInFromHere(context: RequestContext, org: OrgId | null, user: UserId): Promise<boolean> {
  const { services, geo } = context;
  const surface = geo?.surface ?? null;
  if (geo === null || surface === null || geo.standings[surface] !== "person_only") return true;
  if (org === null) return false;
  const stored = await readPolicy(services.database, doorScope(org));
  return stored !== null && mayTravel(stored.policy.geo, user, geo.facts.country, services.now());
}
