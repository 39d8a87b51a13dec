import type { OrgId, UserId } from "../../../../core/ids.ts";
import type { Role } from "../../../../core/tenancy/roles.ts";
import { revokeKeysMadeBy } from "../../auth/api-keys.ts";
import type { PersonContext } from "../../pipeline/request-context.ts";
import { syncMember } from "./sync-member.ts";

/**
 * Revokes the keys that a member made in this organisation, if they may make none any more, and closes their
 * sockets. @param as in whose name the hub is told @throws Unavailable
 */
export async function revokeKeysOf(
  context: PersonContext,
  org: OrgId,
  maker: UserId,
  as: { readonly org: OrgId; readonly role: Role },
): Promise<void> {
  for (const { user } of await revokeKeysMadeBy(context, { maker, org, by: context.person.user })) {
    await syncMember(context, org, user, as);
  }
}
