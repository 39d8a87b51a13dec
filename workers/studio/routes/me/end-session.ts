import { z } from "@hono/zod-openapi";
import { findSession } from "../../../../store/control/sessions.ts";
import { endSessionEverywhere } from "../../auth/end-sockets.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, nothing } from "../../http/schemas.ts";

export const endMySession = defineRoute(
  "endMySession",
  { caller: "person", params: z.strictObject({ session: idOf("session") }), status: 204, answer: nothing },
  async (context, { params }) => {
    const { services, person, own } = context;
    const target = { id: params.session, user: person.user };
    const live = await findSession(services.database, target, null, services.now());
    if (live === null) return refuse("not_found");
    await endSessionEverywhere(context, live.person, own.memberships);
    const { user } = person;
    context.caused([
      { type: "session_end", user_id: user, target_user_id: user, session_id: target.id, reason: "by_owner" },
    ]);
    return answer(null);
  },
);
