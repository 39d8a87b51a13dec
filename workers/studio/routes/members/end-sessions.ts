import { z } from "@hono/zod-openapi";
import { mayEndSessions } from "../../../../store/control/members.ts";
import { endAllSessions } from "../../auth/end-all-sessions.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, nothing } from "../../http/schemas.ts";

/** Signs a member out everywhere (ASVS 7.4.5). An owner is signed out by owners alone. */
export const endMemberSessions = defineRoute(
  "endMemberSessions",
  { caller: "member", params: z.strictObject({ user: idOf("user") }), status: 204, answer: nothing },
  async (context, { params: { user } }) => {
    const { services, scope, person } = context;
    const may = await mayEndSessions(services.database, scope, { user, actor: person.user });
    if (may !== "may") return refuse(may);
    await endAllSessions(context, user, { reason: "by_admin", by: person.user });
    return answer(null);
  },
);
