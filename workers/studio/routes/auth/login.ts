import { z } from "@hono/zod-openapi";
import { type Credentials, findCredentials } from "../../../../store/control/users.ts";
import { completeSignIn, denySignIn, type LoginAnswer, recordFailure } from "../../auth/complete-sign-in.ts";
import { takePasskeyCeremony } from "../../auth/factors/ceremonies.ts";
import { checkPasskey } from "../../auth/factors/check-passkey.ts";
import { authenticationResponse, otp } from "../../auth/factors/presented.ts";
import { refuseBusy } from "../../auth/password-policy.ts";
import * as throttle from "../../auth/throttle.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { type HandlerResult, refuse } from "../../http/result.ts";
import { email, opaqueSecret } from "../../http/schemas.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { loginAnswer, presentedPassword, signInQuery } from "./schemas.ts";

const body = z.strictObject({
  email,
  password: presentedPassword,
  otp: otp.optional(),
  passkey: z.strictObject({ ceremony: opaqueSecret, response: authenticationResponse }).optional(),
});

interface LoginInput {
  readonly query: z.output<typeof signInQuery>;
  readonly body: z.output<typeof body>;
}

/** The door of the platform, judged by the platform's geo policy. */
export const login: RouteDefinition = defineLogin("login");
/** An organisation's own door, judged by its geo policy; it opens to its members alone. */
export const orgLogin: RouteDefinition = defineLogin("orgLogin");

function defineLogin(name: "login" | "orgLogin"): RouteDefinition {
  return defineRoute(name, { caller: "anyone", query: signInQuery, body, status: 200, answer: loginAnswer }, signIn);
}

const method = "password";

/** A password, alone or with a second factor beside it. Failures slow the next attempt down (auth/throttle.ts). */
async function signIn(context: RequestContext, input: LoginInput): Promise<HandlerResult<LoginAnswer>> {
  if (input.body.passkey !== undefined) return signInWithPasskey(context, input, input.body.passkey);
  const admission = await throttle.check(context, { kind: "password", email: input.body.email });
  const found = admission.credentials;
  if (admission.kind === "admitted") return judgePassword(context, input, { found, admission, strong: false });
  const recorded = recordFailure(context, found?.id ?? null, { method, reason: "throttled" });
  return { ...throttle.throttledRefusal(admission), alongside: [recorded] };
}

/**
 * The passkey first: nobody can guess one, so whoever has it waits for nobody who guesses. Who fails with
 * it has not come to the password, so this is no way to try one.
 */
async function signInWithPasskey(
  context: RequestContext,
  input: LoginInput,
  { ceremony, response }: NonNullable<LoginInput["body"]["passkey"]>,
): Promise<HandlerResult<LoginAnswer>> {
  const challenge = await takePasskeyCeremony(context, "passkey_sign_in", ceremony, null);
  if (challenge === null) return refuse("invalid_token");
  const [found, checked] = await Promise.all([
    findCredentials(context.services.database, input.body.email),
    checkPasskey(context, response, { challenge, user: null }),
  ]);
  if (checked.kind === "copied") {
    return denySignIn(context, checked.user, { method, reason: "passkey_copied", mfa: "failed" });
  }
  if (found === null) return denySignIn(context, null, { method, reason: "unknown_account" });
  if (checked.kind === "wrong" || checked.user !== found.id) {
    return denySignIn(context, found.id, { method, reason: "factor_failed", mfa: "failed" });
  }
  return judgePassword(context, input, { found, admission: null, strong: true });
}

interface Judged {
  readonly found: Credentials | null;
  /** Null: not counted. */
  readonly admission: Extract<throttle.Admission, { kind: "admitted" }> | null;
  readonly strong: boolean;
}

async function judgePassword(
  context: RequestContext,
  input: LoginInput,
  { found, admission, strong }: Judged,
): Promise<HandlerResult<LoginAnswer>> {
  const { services } = context;
  const { email: address, password } = input.body;
  const notMade = (): void => {
    if (admission !== null) throttle.notMade(context, admission);
  };
  // Nobody there costs one hash as well, so that time and answer are those of a wrong password.
  const verified = await services.passwords.verify(password, found?.passwordHash ?? null).catch((error: unknown) => {
    notMade();
    throw error;
  });
  if (verified.kind === "busy") {
    notMade();
    return refuseBusy;
  }
  if (found === null) return denySignIn(context, null, { method, reason: "unknown_account" });
  if (verified.kind === "wrong" || found.passwordHash === null) {
    return denySignIn(context, found.id, { method, reason: "wrong_password" });
  }
  if (found.disabled) return denySignIn(context, found.id, { method, reason: "disabled" });
  if (admission !== null) throttle.succeeded(context, admission);
  return completeSignIn(context, {
    user: found.id,
    email: address,
    name: found.name,
    method,
    strong,
    otp: input.body.otp,
    passwordHash: found.passwordHash,
    rehashed: verified.renewed === null ? null : { from: found.passwordHash, to: verified.renewed },
    tokens: input.query.tokens === "1",
  });
}
