import { z } from "@hono/zod-openapi";
import { findCredentials } from "../../../../store/control/users.ts";
import { completeSignIn, denySignIn, type LoginAnswer } from "../../auth/complete-sign-in.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { type HandlerResult, refuse } from "../../http/result.ts";
import { email } from "../../http/schemas.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { loginAnswer, presentedPassword } from "./schemas.ts";

const query = z.strictObject({ tokens: z.enum(["0", "1"]).optional() });
const body = z.strictObject({ email, password: presentedPassword });

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

async function signIn(context: RequestContext, input: LoginInput): Promise<HandlerResult<LoginAnswer>> {
  const { services } = context;
  const { email: address, password } = input.body;
  const method = "password";
  const found = await findCredentials(services.database, address);
  // Nobody there costs one hash as well, so that time and answer are those of a wrong password.
  const verified = await services.passwords.verify(password, found?.passwordHash ?? null);
  if (verified.kind === "busy") return refuse("busy", { headers: { "Retry-After": "2" } });
  if (found === null) return denySignIn(context, null, { method, reason: "unknown_account" });
  if (verified.kind === "wrong" || found.passwordHash === null) {
    return denySignIn(context, found.id, { method, reason: "wrong_password" });
  }
  if (found.disabled) return denySignIn(context, found.id, { method, reason: "disabled" });
  const rehashed = verified.outdated ? await rehash(context, password, found.passwordHash) : null;
  return completeSignIn(context, {
    user: found.id,
    email: address,
    name: found.name,
    method,
    strong: false,
    rehashed,
    tokens: input.query.tokens === "1",
  });
}

async function rehash(
  context: RequestContext,
  password: string,
  from: string,
): Promise<{ from: string; to: string } | null> {
  const hashed = await context.services.passwords.hash(password);
  return hashed.kind === "ok" ? { from, to: hashed.hash } : null;
}
