import { z } from "@hono/zod-openapi";
import { findAccount } from "../../../../store/control/users.ts";
import { completeSignIn, denySignIn, type LoginAnswer } from "../../auth/complete-sign-in.ts";
import { beginPasskeyCeremony, takePasskeyCeremony } from "../../auth/factors/ceremonies.ts";
import { checkPasskey } from "../../auth/factors/check-passkey.ts";
import { assertionOptions } from "../../auth/factors/passkeys.ts";
import { authenticationResponse } from "../../auth/factors/presented.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import { opaqueSecret } from "../../http/schemas.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { browserOptions, loginAnswer, signInQuery } from "./schemas.ts";

const method = "passkey";
const body = z.strictObject({ ceremony: opaqueSecret, response: authenticationResponse });

export const passkeySignInOptions: RouteDefinition = defineOptions("passkeySignInOptions");
export const orgPasskeySignInOptions: RouteDefinition = defineOptions("orgPasskeySignInOptions");

/** The same for everybody: no address is asked for, so nothing tells who has an account. */
function defineOptions(name: "passkeySignInOptions" | "orgPasskeySignInOptions"): RouteDefinition {
  const shape = {
    caller: "anyone" as const,
    status: 200 as const,
    answer: z.object({ ceremony: z.string(), options: browserOptions }),
  };
  return defineRoute(name, shape, async (context) => {
    const { ceremony, challenge } = await beginPasskeyCeremony(context, "passkey_sign_in", null);
    return answer({ ceremony, options: await assertionOptions(context.services.publicUrl, [], challenge) });
  });
}

export const passkeySignIn: RouteDefinition = defineSignIn("passkeySignIn");
export const orgPasskeySignIn: RouteDefinition = defineSignIn("orgPasskeySignIn");

/** Signs in by a passkey that verified its user: two factors in one. Never throttled, so that nobody is locked out. */
function defineSignIn(name: "passkeySignIn" | "orgPasskeySignIn"): RouteDefinition {
  return defineRoute(name, { caller: "anyone", query: signInQuery, body, status: 200, answer: loginAnswer }, signIn);
}

async function signIn(
  context: RequestContext,
  input: { readonly query: z.output<typeof signInQuery>; readonly body: z.output<typeof body> },
): Promise<HandlerResult<LoginAnswer>> {
  const { ceremony, response } = input.body;
  const challenge = await takePasskeyCeremony(context, "passkey_sign_in", ceremony, null);
  if (challenge === null) return refuse("invalid_token");
  const checked = await checkPasskey(context, response, { challenge, user: null });
  if (checked.kind === "copied") {
    return denySignIn(context, checked.user, { method, reason: "passkey_copied", mfa: "failed" });
  }
  if (checked.kind === "wrong") {
    const reason = checked.user === null ? "unknown_account" : "factor_failed";
    return denySignIn(context, checked.user, { method, reason, mfa: "failed" });
  }
  const { user } = checked;
  const account = await findAccount(context.services.database, user);
  if (account === null || account.disabled) return denySignIn(context, user, { method, reason: "disabled" });
  return completeSignIn(context, {
    user,
    email: account.email,
    name: account.name,
    method,
    strong: true,
    rehashed: null,
    tokens: input.query.tokens === "1",
  });
}
