import { z } from "@hono/zod-openapi";
import { removeWitness as remove } from "../../../../../store/control/audit-witnesses.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { answer, refuse } from "../../../http/result.ts";
import { idOf, nothing } from "../../../http/schemas.ts";

/** What it cosigned stays: it was true. */
export const removeWitness = defineRoute(
  "removeWitness",
  { caller: "member", params: z.strictObject({ witness: idOf("witness") }), status: 204, answer: nothing },
  async (context, { params }) => {
    const { services, scope, person } = context;
    if (!(await remove(services.database, context.write(), scope, params.witness))) return refuse("not_found");
    context.caused([
      {
        type: "key_change",
        user_id: person.user,
        kind: "audit_witness",
        key_id: params.witness,
        action: "revoked",
      },
    ]);
    return answer(null);
  },
);
