import { z } from "@hono/zod-openapi";
import { changeMemberRole } from "../../../../store/control/members.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, idText, role } from "../../http/schemas.ts";
import { roleChange } from "./role-change.ts";
import { syncMember } from "./sync-member.ts";

export const changeMember = defineRoute(
  "changeMember",
  {
    caller: "member",
    params: z.strictObject({ user: idOf("user") }),
    body: z.strictObject({ role }),
    status: 200,
    answer: z.object({ user_id: idText, role }),
  },
  async (context, { params, body }) => {
    const { services, membership, person } = context;
    const target = { org: membership.org, user: params.user, actor: person.user };
    const change = await changeMemberRole(services.database, context.write(), target, body.role);
    if (change.kind !== "changed") return refuse(change.kind);
    context.caused(roleChange(person.user, params.user, change.oldRole, body.role));
    await syncMember(context, membership.org, params.user, membership);
    return answer({ user_id: params.user, role: body.role });
  },
);
