import { z } from "@hono/zod-openapi";
import { changeMember, deleteDisabledMember } from "../../../../store/control/change-member.ts";
import { endAllSessions } from "../../auth/end-all-sessions.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, nothing } from "../../http/schemas.ts";
import { accountChange, roleChange } from "./events.ts";
import { leaveGroups, syncMember } from "./sync-member.ts";

/**
 * Disabled first, gone last: whoever is being removed is shut out from the first step on, and a removal that
 * is cut short leaves a disabled member on whom it can be asked again. All their sessions end; who leaves by
 * themselves keeps the one that asks.
 */
export const removeMember = defineRoute(
  "removeMember",
  { caller: "member", params: z.strictObject({ user: idOf("user") }), status: 204, answer: nothing },
  async (context, { params: { user } }) => {
    const { services, membership, person } = context;
    const { org } = membership;
    const shut = { role: null, disabled: true };
    const change = await changeMember(services.database, context.write(), { org, user, actor: person.user }, shut);
    if (change.kind !== "changed") {
      // Not a member (any more): the hub is told all the same, so that what was cut short is finished by a retry.
      if (change.kind === "not_found") await syncMember(context, org, user, membership);
      return refuse(change.kind);
    }
    context.caused(accountChange(person.user, user, change.before.disabled, true));
    await syncMember(context, org, user, membership);
    const except = user === person.user ? { except: person.session } : {};
    await endAllSessions(context, user, { reason: "removed", by: person.user, ...except });
    await leaveGroups(context, user, membership);
    if (!(await deleteDisabledMember(services.database, context.write(), { org, user }))) {
      return refuse("conflict", { detail: "Somebody let them in again meanwhile" });
    }
    context.caused(roleChange(person.user, user, change.before.role, null));
    return answer(null);
  },
);
