import { z } from "@hono/zod-openapi";
import type { AuditFields } from "../../../../core/audit/events.ts";
import type { UserId } from "../../../../core/ids.ts";
import { organisationsWithoutOwner, setUserDisabled } from "../../../../store/control/disable-user.ts";
import { expelKeys, revokeKeysMadeBy } from "../../auth/api-keys.ts";
import { endAllSessions } from "../../auth/end-all-sessions.ts";
import { appendToOrganisationsOf } from "../../auth/login-events.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { email, idText } from "../../http/schemas.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";

const body = z.strictObject({ email });

/**
 * Shuts a person out of the whole platform: every session ends with its sockets, every API key that they made
 * is revoked. The only owner of an organisation too: the operator acts when an account is in other hands, and an
 * attacker must not be safe for being the last owner. The answer names the organisations that nobody can act
 * for until an owner is let in again. Asking again finishes what a hub that was away cut short.
 */
export const disableUser = defineRoute(
  "disableUser",
  {
    caller: "operator",
    body,
    status: 200,
    answer: z.object({ user_id: idText, organisations_without_owner: z.array(idText), keys_revoked: z.int() }),
  },
  async (context, input) => {
    const { services } = context;
    const target = { email: input.body.email, disabled: true };
    const found = await setUserDisabled(services.database, context.write(), target);
    if (found === null) return refuse("not_found");
    const { user, changed } = found;
    if (changed) await tell(context, user, "disabled");
    await endAllSessions(context, user, { reason: "disabled", by: null });
    const revoked = await revokeKeysMadeBy(context, context.platform, { maker: user, by: null });
    await expelKeys(services, revoked, context.requestId);
    const orphaned = await organisationsWithoutOwner(services.database, user);
    const keys = revoked.filter(({ now }) => now).length;
    return answer({ user_id: user, organisations_without_owner: orphaned, keys_revoked: keys });
  },
);

/** Lets a person in again. Sessions and keys that ended stay ended. */
export const enableUser = defineRoute(
  "enableUser",
  { caller: "operator", body, status: 200, answer: z.object({ user_id: idText }) },
  async (context, input) => {
    const target = { email: input.body.email, disabled: false };
    const found = await setUserDisabled(context.services.database, context.write(), target);
    if (found === null) return refuse("not_found");
    if (found.changed) await tell(context, found.user, "enabled");
    return answer({ user_id: found.user });
  },
);

/** In the platform's log with this request, and in those of the person's organisations, whose administrators wonder. */
async function tell(context: RequestContext, user: UserId, action: "disabled" | "enabled"): Promise<void> {
  const event: AuditFields = { type: "account_change", admin_id: null, target_user_id: user, action };
  context.caused([event]);
  await appendToOrganisationsOf(context, user, event);
}
