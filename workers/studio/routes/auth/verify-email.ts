import { z } from "@hono/zod-openapi";
import { redeemRegistration } from "../../../../store/control/registrations.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { opaqueSecret } from "../../http/schemas.ts";
import { user } from "./schemas.ts";

export const verifyEmail = defineRoute(
  "verifyEmail",
  { caller: "anyone", body: z.strictObject({ token: opaqueSecret }), status: 200, answer: z.object({ user }) },
  async (context, { body }) => {
    const { services } = context;
    const made = await redeemRegistration(services.database, context.write(), {
      tokenHash: sha256Hex(body.token),
      user: services.makeId("user"),
    });
    return made === null ? refuse("invalid_token") : answer({ user: made });
  },
);
