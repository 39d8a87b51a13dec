import { z } from "@hono/zod-openapi";
import { findRegistration, redeemRegistration } from "../../../../store/control/registrations.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { objectionTo, refuseHash, refusePassword } from "../../auth/password-policy.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import { opaqueSecret } from "../../http/schemas.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { newPassword, user } from "./schemas.ts";

const body = z.strictObject({ token: opaqueSecret, password: newPassword.optional() });
const made = z.object({ user });

/**
 * Makes the account. With a password, the account has that one: whoever registered a stranger's address
 * waits in vain for the stranger to open the link, because the page behind it asks for a password. Without,
 * it has the registrant's: for programs that have registered the address themselves a moment ago.
 */
export const verifyEmail = defineRoute(
  "verifyEmail",
  { caller: "anyone", body, status: 200, answer: made },
  async (context, input): Promise<HandlerResult<z.input<typeof made>>> => {
    const { services } = context;
    const tokenHash = sha256Hex(input.body.token);
    const chosen = await hashOfChosen(context, tokenHash, input.body.password);
    if (chosen.kind === "refusal") return chosen.refusal;
    const person = await redeemRegistration(services.database, context.write(), {
      tokenHash,
      user: services.makeId("user"),
      passwordHash: chosen.hash,
    });
    return person === null ? refuse("invalid_token") : answer({ user: person });
  },
);

type Chosen =
  | { readonly kind: "chosen"; readonly hash: string | null }
  | { readonly kind: "refusal"; readonly refusal: HandlerResult<never> };

async function hashOfChosen(
  { services }: RequestContext,
  tokenHash: string,
  password: string | undefined,
): Promise<Chosen> {
  if (password === undefined) return { kind: "chosen", hash: null };
  const registered = await findRegistration(services.database, tokenHash, services.now());
  if (registered === null) return { kind: "refusal", refusal: refuse("invalid_token") };
  const objection = objectionTo(password, { ...registered, organisations: [] }, false);
  if (objection !== null) return { kind: "refusal", refusal: refusePassword("password", objection) };
  const hashed = await services.passwords.hash(password);
  return hashed.kind === "ok"
    ? { kind: "chosen", hash: hashed.hash }
    : { kind: "refusal", refusal: refuseHash("password", hashed) };
}
