import { finishRevocation, type RevokedKey } from "../../../../store/control/api-keys.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { leaveGroups, syncMember } from "../members/sync-member.ts";

/**
 * Takes the service user of a revoked key out of the hub, which closes its sockets, out of every group and out of
 * the organisation, in this order: until the last step it is found again as not finished. @throws Unavailable
 */
export async function expelKey(context: MemberContext, { scope, user }: RevokedKey): Promise<void> {
  // A revoked key's membership is disabled until the last step.
  await syncMember(context, scope, user, context.membership, { role: null, member: true });
  await leaveGroups(context, user, context.membership);
  await finishRevocation(context.services.database, context.write(), { scope, user });
}
