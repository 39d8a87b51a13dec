import { z } from "@hono/zod-openapi";
import { currentStanding } from "../../../../store/control/members.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, nothing } from "../../http/schemas.ts";

/**
 * The log itself writes down that somebody was erased, and keeps the receipt: the work is done in its object alone. A
 * member goes on leaving entries, so they are to be removed first.
 */
export const eraseAuditSubject = defineRoute(
  "eraseAuditSubject",
  { caller: "member", params: z.strictObject({ user: idOf("user") }), status: 204, answer: nothing },
  async (context, { params: { user } }) => {
    const { services, scope } = context;
    const { member } = await currentStanding(services.database, scope, user);
    if (member) return refuse("conflict", { detail: "They are a member; remove them first" });
    const call = await context.asUser("durable-objects.audit-intake");
    const { known } = await fromPart("audit intake", () => services.audit.erase(call, user));
    return known ? answer(null) : refuse("not_found");
  },
);
