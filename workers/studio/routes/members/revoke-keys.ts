import type { UserId } from "../../../../core/ids.ts";
import { revokeKeysMadeBy } from "../../auth/api-keys.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { expelKey } from "../api-keys/expel.ts";

/**
 * Revokes the keys that a member made in this organisation, if they may make none any more, and closes their
 * sockets. @throws Unavailable
 */
export async function revokeKeysOf(context: MemberContext, maker: UserId): Promise<void> {
  const keys = await revokeKeysMadeBy(context, context.scope, { maker, by: context.person.user });
  for (const key of keys) await expelKey(context, key);
}
