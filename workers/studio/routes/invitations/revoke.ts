import { z } from "@hono/zod-openapi";
import { revokeInvitation as withdraw } from "../../../../store/control/invitations.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, nothing } from "../../http/schemas.ts";

export const revokeInvitation = defineRoute(
  "revokeInvitation",
  { caller: "member", params: z.strictObject({ invitation: idOf("invitation") }), status: 204, answer: nothing },
  async (context, { params }) => {
    const { services, scope } = context;
    const done = await withdraw(services.database, context.write(), scope, params.invitation);
    return done ? answer(null) : refuse("not_found");
  },
);
