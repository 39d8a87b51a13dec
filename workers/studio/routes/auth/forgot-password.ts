import { z } from "@hono/zod-openapi";
import { addPasswordReset } from "../../../../store/control/password-resets.ts";
import { mailLater } from "../../auth/factors/record-change.ts";
import { mac, sha256Hex } from "../../auth/keys.ts";
import { makeSecret } from "../../auth/secrets.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { email } from "../../http/schemas.ts";
import { passwordResetMail } from "../../mail/messages.ts";

/** A link that sets a password is good for so long, in milliseconds: somebody who asks for it waits for it. */
export const resetMsMax = 30 * 60_000;

const body = z.strictObject({ email });
const accepted = z.object({ status: z.literal("accepted") });

export const forgotPassword: RouteDefinition = defineForgot("forgotPassword");
export const orgForgotPassword: RouteDefinition = defineForgot("orgForgotPassword");

/**
 * Answer, work (one transaction that writes one row) and time are the same whether or not the address has
 * an account (ASVS 6.3.8): the mail leaves after the answer.
 */
function defineForgot(name: "forgotPassword" | "orgForgotPassword"): RouteDefinition {
  return defineRoute(name, { caller: "anyone", body, status: 202, answer: accepted }, async (context, input) => {
    const { services } = context;
    const token = makeSecret(services.randomBytes);
    const mailed = await addPasswordReset(services.database, context.write(), {
      tokenHash: sha256Hex(token),
      email: input.body.email,
      addressHash: mac(services.keys.throttle, ["password reset", input.body.email]).toString("hex"),
      expiresAtMs: services.now() + resetMsMax,
    });
    if (mailed) mailLater(context, passwordResetMail(input.body.email, services.publicUrl, token));
    return answer({ status: "accepted" as const });
  });
}
