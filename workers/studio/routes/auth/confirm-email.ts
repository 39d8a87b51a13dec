import { z } from "@hono/zod-openapi";
import { confirmEmailChange } from "../../../../store/control/email-changes.ts";
import { mailLater, recordFactorChange } from "../../auth/factors/record-change.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { opaqueSecret } from "../../http/schemas.ts";
import { emailChangedMail } from "../../mail/messages.ts";

const body = z.strictObject({ token: opaqueSecret });
const confirmed = z.object({ status: z.enum(["waiting", "changed"]) });

export const confirmEmail: RouteDefinition = defineConfirm("confirmEmail");
export const orgConfirmEmail: RouteDefinition = defineConfirm("orgConfirmEmail");

/** One of the two addresses agrees to a change; when both have, the person has the new one. */
function defineConfirm(name: "confirmEmail" | "orgConfirmEmail"): RouteDefinition {
  return defineRoute(name, { caller: "anyone", body, status: 200, answer: confirmed }, async (context, input) => {
    const { services } = context;
    const outcome = await confirmEmailChange(services.database, context.write(), sha256Hex(input.body.token));
    if (outcome.kind === "refused") return refuse("invalid_token");
    if (outcome.kind === "changed") {
      const { user, oldEmail, newEmail } = outcome;
      mailLater(context, emailChangedMail(oldEmail, services.publicUrl));
      await recordFactorChange(context, { user, email: newEmail }, { factor: "email", action: "changed" });
    }
    return answer({ status: outcome.kind });
  });
}
