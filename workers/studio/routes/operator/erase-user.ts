import { z } from "@hono/zod-openapi";
import { findAccount } from "../../../../store/control/users.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, nothing } from "../../http/schemas.ts";

/**
 * Makes a person unreadable in the platform's own logs; in an organisation's, its owners do. Who may still sign in
 * goes on leaving entries. The logs themselves write it down, whether they name the person or not: a request that
 * dies on the way is finished by asking again.
 */
export const eraseUser = defineRoute(
  "eraseUser",
  { caller: "operator", body: z.strictObject({ user_id: idOf("user") }), status: 204, answer: nothing },
  async ({ services, requestId }, { body: { user_id: user } }) => {
    const account = await findAccount(services.database, user);
    if (account?.disabled === false) return refuse("conflict", { detail: "They may sign in; disable them first" });
    const call = await services.caller.asJob("durable-objects.audit-intake", "erase_subject", null, requestId);
    await fromPart("audit intake", () => services.audit.erase(call, user));
    return answer(null);
  },
);
