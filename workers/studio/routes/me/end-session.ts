import { z } from "@hono/zod-openapi";
import { endSession } from "../../../../store/control/sessions.ts";
import { endSockets } from "../../auth/end-sockets.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, nothing } from "../../http/schemas.ts";

export const endMySession = defineRoute(
  "endMySession",
  { caller: "person", params: z.strictObject({ session: idOf("session") }), status: 204, answer: nothing },
  async (context, { params }) => {
    const { services, person } = context;
    const target = { id: params.session, user: person.user };
    if (!(await endSession(services.database, context.write(), target))) return refuse("not_found");
    await endSockets(services, { user: person.user, session: params.session }, context.requestId);
    return answer(null);
  },
);
