import { z } from "@hono/zod-openapi";
import { changeMember, deleteDisabledMember } from "../../../../store/control/change-member.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, nothing } from "../../http/schemas.ts";
import { accountChange, roleChange } from "./events.ts";
import { revokeKeysOf } from "./revoke-keys.ts";
import { shutOut } from "./shut-out.ts";
import { leaveGroups, syncMember } from "./sync-member.ts";

/** As in a change of a member: keys that they made are revoked, unless others hold them now. */
const query = z.strictObject({ keep_api_keys: z.enum(["0", "1"]).default("0") });

/**
 * Disabled first, gone last: whoever is being removed is shut out from the first step on, and a removal that
 * is cut short leaves a disabled member on whom it can be asked again. All their sessions end; who leaves by
 * themselves keeps the one that asks.
 */
export const removeMember = defineRoute(
  "removeMember",
  { caller: "member", params: z.strictObject({ user: idOf("user") }), query, status: 204, answer: nothing },
  async (context, { params: { user }, query: { keep_api_keys: keepsKeys } }) => {
    const { services, scope, membership, person } = context;
    const shut = { role: null, disabled: true };
    const change = await changeMember(services.database, context.write(), scope, { user, actor: person.user }, shut);
    if (change.kind !== "changed") {
      // Not a member (any more): the hub is told all the same, so that what was cut short is finished by a retry.
      if (change.kind === "not_found") await syncMember(context, scope, user, membership, change.standing);
      return refuse(change.kind);
    }
    context.caused(accountChange(person.user, user, change.before.disabled, true));
    const except = user === person.user ? { except: person.session } : {};
    await shutOut(context, user, { reason: "removed", by: person.user, ...except });
    if (keepsKeys === "0") await revokeKeysOf(context, user);
    await leaveGroups(context, user, membership);
    if (!(await deleteDisabledMember(services.database, context.write(), scope, user))) {
      return refuse("conflict", { detail: "Somebody let them in again meanwhile" });
    }
    context.caused(roleChange(person.user, user, change.before.role, null));
    return answer(null);
  },
);
