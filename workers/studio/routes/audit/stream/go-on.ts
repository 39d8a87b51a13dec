import { z } from "@hono/zod-openapi";
import { requeueDeadLetter, resumeAuditStream as resume } from "../../../../../store/control/audit-streams.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { answer, refuse } from "../../../http/result.ts";
import { nothing } from "../../../http/schemas.ts";
import { entryCount } from "../schemas.ts";

/** Now, whatever made it wait or stop. */
export const resumeAuditStream = defineRoute(
  "resumeAuditStream",
  { caller: "member", status: 204, answer: nothing },
  async (context) => {
    const resumed = await resume(context.services.database, context.write(), context.scope);
    return resumed ? answer(null) : refuse("not_found");
  },
);

/** At the stream's next turn, once. */
export const resendAuditStream = defineRoute(
  "resendAuditStream",
  { caller: "member", params: z.strictObject({ seq: entryCount }), status: 204, answer: nothing },
  async (context, { params: { seq } }) => {
    const queued = await requeueDeadLetter(context.services.database, context.write(), context.scope, seq);
    return queued ? answer(null) : refuse("not_found");
  },
);
