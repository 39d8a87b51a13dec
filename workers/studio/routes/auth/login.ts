import { z } from "@hono/zod-openapi";
import type { UserId } from "../../../../core/ids.ts";
import { findCredentials, type MembershipOfUser, membershipsOf } from "../../../../store/control/users.ts";
import { sessionCookie } from "../../auth/cookie.ts";
import { appendToOrganisations, loginEvent } from "../../auth/login-events.ts";
import { beginSession, isOrg, scopeOf, tokenAnswer } from "../../auth/sign-in.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import { email } from "../../http/schemas.ts";
import { logFailure } from "../../log.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { orgOfUser, presentedPassword, tokens, user } from "./schemas.ts";

const query = z.strictObject({ tokens: z.enum(["0", "1"]).optional() });
const body = z.strictObject({ email, password: presentedPassword });
const loginAnswer = z.object({ user, orgs: z.array(orgOfUser), ...tokens.partial().shape });

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

async function signIn(context: RequestContext, input: LoginInput): Promise<HandlerResult<z.input<typeof loginAnswer>>> {
  const { services } = context;
  const found = await findCredentials(services.database, input.body.email);
  // Nobody there costs one hash as well, so that time and answer are those of a wrong password.
  const verified = await services.passwords.verify(input.body.password, found?.passwordHash ?? null);
  if (verified.kind === "busy") return refuse("busy", { headers: { "Retry-After": "2" } });
  if (verified.kind === "wrong" || found === null || found.disabled) return denied(context, found?.id ?? null);

  const memberships = await membershipsOf(services.database, found.id);
  const { orgReference } = context;
  if (orgReference !== null && !memberships.some(isOrg(orgReference))) return denied(context, found.id);
  const rehashed = verified.outdated ? await rehash(context, input.body.password, found.passwordHash) : null;
  const session = await beginSession(context, found.id, { tokens: input.query.tokens === "1", rehashed });
  const event = loginEvent(context, found.id, "success");
  await appendToOrganisations(
    context,
    memberships.map(({ org }) => org),
    event,
  );

  const subject = { user: found.id, session: session.id, scope: scopeOf(memberships, orgReference) };
  const issued = session.refreshToken === null ? {} : await tokenAnswer(context, subject, session.refreshToken);
  const person = { id: found.id, email: input.body.email, name: found.name };
  return answer(
    { user: person, orgs: memberships.map(orgView), ...issued },
    { headers: { "Set-Cookie": sessionCookie(session.secret) }, alongside: [event] },
  );
}

/**
 * The same for an unknown person, an address that is not proven yet, a wrong password, a disabled account
 * and a stranger at an organisation's door. The organisations' copies are written after the answer: waiting for them would tell by its time
 * that the person exists. The platform's event is durable before it.
 */
async function denied(context: RequestContext, who: UserId | null): Promise<HandlerResult<never>> {
  const event = loginEvent(context, who, "failure");
  if (who !== null) context.services.defer(copyToOrganisations(context, who, event));
  return refuse("invalid_credentials", { alongside: [event] });
}

async function copyToOrganisations(
  context: RequestContext,
  who: UserId,
  event: ReturnType<typeof loginEvent>,
): Promise<void> {
  try {
    const memberships = await membershipsOf(context.services.database, who);
    await appendToOrganisations(
      context,
      memberships.map(({ org }) => org),
      event,
    );
  } catch (error) {
    logFailure({ request_id: context.requestId, route: context.routeName, step: "copyToOrganisations" }, error);
  }
}

async function rehash(
  context: RequestContext,
  password: string,
  from: string,
): Promise<{ from: string; to: string } | null> {
  const hashed = await context.services.passwords.hash(password);
  return hashed.kind === "ok" ? { from, to: hashed.hash } : null;
}

function orgView({ org, slug, name, role }: MembershipOfUser): z.input<typeof orgOfUser> {
  return { id: org, slug, name, role };
}
