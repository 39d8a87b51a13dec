import { z } from "@hono/zod-openapi";
import { changeMember as change } from "../../../../store/control/change-member.ts";
import { tellEndedSessions } from "../../auth/end-sockets.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, idText, role } from "../../http/schemas.ts";
import { accountChange, roleChange } from "./events.ts";
import { revokeKeysOf } from "./revoke-keys.ts";
import { shutOut } from "./shut-out.ts";
import { syncMember } from "./sync-member.ts";

const body = z
  .strictObject({
    role: role.optional(),
    disabled: z.boolean().optional(),
    // The API keys that they made are revoked when they may make none any more, unless this says that others
    // hold them now: whoever made a key saw it.
    keep_api_keys: z.boolean().default(false),
  })
  .refine((given) => given.role !== undefined || given.disabled !== undefined, "must change something");

/**
 * Another role, or shut out and let in again. To be disabled ends every session of the person, not this
 * organisation's reach alone: it is what one does when an account may be in other hands (SECURITY.md).
 */
export const changeMember = defineRoute(
  "changeMember",
  {
    caller: "member",
    params: z.strictObject({ user: idOf("user") }),
    body,
    status: 200,
    answer: z.object({ user_id: idText, role, disabled: z.boolean() }),
  },
  async (context, { params, body: wanted }) => {
    const { services, scope, membership, person, requestId } = context;
    const target = { user: params.user, actor: person.user };
    const state = { role: wanted.role ?? null, disabled: wanted.disabled ?? null };
    const changed = await change(services.database, context.write(), scope, target, state);
    if (changed.kind !== "changed") return refuse(changed.kind);
    const { before, after } = changed;
    context.caused([
      ...roleChange(person.user, params.user, before.role, after.role),
      ...accountChange(person.user, params.user, before.disabled, after.disabled),
    ]);
    const { disabled, keep_api_keys: keepsKeys } = wanted;
    // Whatever fails from here on, the row says what holds; the same request again finishes it.
    if (disabled === true) {
      await shutOut(context, params.user, { reason: "disabled", by: person.user });
    } else {
      if (before.disabled && !after.disabled) {
        await tellEndedSessions(
          services,
          { user: params.user, scope: { org: scope.org, role: after.role } },
          requestId,
        );
      }
      const standing = { role: after.disabled ? null : after.role, member: true };
      await syncMember(context, scope, params.user, membership, standing);
    }
    if (!keepsKeys) await revokeKeysOf(context, params.user);
    return answer({ user_id: params.user, role: after.role, disabled: after.disabled });
  },
);
