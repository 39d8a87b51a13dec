import { z } from "@hono/zod-openapi";
import { removeMember as deleteMember } from "../../../../store/control/members.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, nothing } from "../../http/schemas.ts";
import { roleChange } from "./role-change.ts";
import { syncMember } from "./sync-member.ts";

export const removeMember = defineRoute(
  "removeMember",
  { caller: "member", params: z.strictObject({ user: idOf("user") }), status: 204, answer: nothing },
  async (context, { params }) => {
    const { services, membership, person } = context;
    const target = { org: membership.org, user: params.user, actor: person.user };
    const change = await deleteMember(services.database, context.write(), target);
    if (change.kind === "forbidden" || change.kind === "last_owner") return refuse(change.kind);
    if (change.kind === "changed") context.caused(roleChange(person.user, params.user, change.oldRole, null));
    // Not a member (any more): the hub is told all the same, so that a removal cut short is finished by a retry.
    await syncMember(context, membership.org, params.user, membership);
    return change.kind === "not_found" ? refuse("not_found") : answer(null);
  },
);
