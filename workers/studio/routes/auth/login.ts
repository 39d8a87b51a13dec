import { z } from "@hono/zod-openapi";
import { busyRetrySeconds } from "../../../../core/rpc/passwords.ts";
import { findCredentials } from "../../../../store/control/users.ts";
import { completeSignIn, denySignIn, type LoginAnswer, recordFailure } from "../../auth/complete-sign-in.ts";
import { otp } from "../../auth/factors/presented.ts";
import * as throttle from "../../auth/throttle.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { type HandlerResult, refuse } from "../../http/result.ts";
import { email } from "../../http/schemas.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { loginAnswer, presentedPassword } from "./schemas.ts";

const query = z.strictObject({ tokens: z.enum(["0", "1"]).optional() });
const body = z.strictObject({ email, password: presentedPassword, otp: otp.optional() });

interface LoginInput {
  readonly query: z.output<typeof query>;
  readonly body: z.output<typeof body>;
}

/** The door of the platform, judged by the platform's geo policy. */
export const login: RouteDefinition = defineLogin("login");
/** An organisation's own door, judged by its geo policy; it opens to its members alone. */
export const orgLogin: RouteDefinition = defineLogin("orgLogin");

function defineLogin(name: "login" | "orgLogin"): RouteDefinition {
  return defineRoute(name, { caller: "anyone", query, body, status: 200, answer: loginAnswer }, signIn);
}

const method = "password";

async function signIn(context: RequestContext, input: LoginInput): Promise<HandlerResult<LoginAnswer>> {
  const { services } = context;
  const { email: address, password } = input.body;
  const [admission, found] = await Promise.all([
    throttle.check(context, { kind: "password", email: address }),
    findCredentials(services.database, address),
  ]);
  if (admission.kind === "throttled") {
    const recorded = recordFailure(context, found?.id ?? null, { method, reason: "throttled" });
    return { ...throttle.throttledRefusal(admission), alongside: [recorded] };
  }
  // Nobody there costs one hash as well, so that time and answer are those of a wrong password.
  const verified = await services.passwords.verify(password, found?.passwordHash ?? null).catch((error: unknown) => {
    throttle.notMade(context, admission);
    throw error;
  });
  if (verified.kind === "busy") {
    throttle.notMade(context, admission);
    return refuse("busy", { headers: { "Retry-After": String(busyRetrySeconds) } });
  }
  if (found === null) return denySignIn(context, null, { method, reason: "unknown_account" });
  if (verified.kind === "wrong" || found.passwordHash === null) {
    return denySignIn(context, found.id, { method, reason: "wrong_password" });
  }
  if (found.disabled) return denySignIn(context, found.id, { method, reason: "disabled" });
  throttle.succeeded(context, admission);
  return completeSignIn(context, {
    user: found.id,
    email: address,
    name: found.name,
    method,
    strong: false,
    otp: input.body.otp,
    rehashed: verified.renewed === null ? null : { from: found.passwordHash, to: verified.renewed },
    tokens: input.query.tokens === "1",
  });
}
