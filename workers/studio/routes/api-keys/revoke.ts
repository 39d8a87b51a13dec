import { z } from "@hono/zod-openapi";
import { revokeApiKey as revoke } from "../../../../store/control/api-keys.ts";
import { keyChange } from "../../auth/api-keys.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, nothing } from "../../http/schemas.ts";
import { expelKey } from "./expel.ts";

/**
 * Worth nothing from here on: the API reads the row each time, and the hub closes its sockets before this
 * answers. A key that had been revoked is told to the hub again, so that what was cut short is finished by a retry.
 */
export const revokeApiKey = defineRoute(
  "revokeApiKey",
  { caller: "member", params: z.strictObject({ key: idOf("apiKey") }), status: 204, answer: nothing },
  async (context, { params }) => {
    const { services, scope, person } = context;
    const revoked = await revoke(services.database, context.write(), scope, params.key);
    if (revoked === null) return refuse("not_found");
    if (revoked.now) context.caused([keyChange(person.user, revoked.id, "revoked")]);
    await expelKey(context, revoked);
    return answer(null);
  },
);
