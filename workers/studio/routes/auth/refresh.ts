import { z } from "@hono/zod-openapi";
import type { AuditFields } from "../../../../core/audit/events.ts";
import { rotateRefreshToken } from "../../../../store/control/refresh-tokens.ts";
import { endSession } from "../../../../store/control/sessions.ts";
import { membershipsOf } from "../../../../store/control/users.ts";
import { endSockets } from "../../auth/end-sockets.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { appendToOrganisations, loginEvent } from "../../auth/login-events.ts";
import { refreshSuccessor } from "../../auth/secrets.ts";
import { isOrg, scopeOf, tokenAnswer } from "../../auth/sign-in.ts";
import { maySignInFromHere } from "../../geo/judge-person.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import { opaqueSecret } from "../../http/schemas.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { tokens } from "./schemas.ts";

const body = z.strictObject({ refresh_token: opaqueSecret });

export const refresh: RouteDefinition = defineRefresh("refresh");
export const orgRefresh: RouteDefinition = defineRefresh("orgRefresh");

function defineRefresh(name: "refresh" | "orgRefresh"): RouteDefinition {
  return defineRoute(name, { caller: "anyone", body, status: 200, answer: tokens }, rotate);
}

/**
 * Each token is good once. A spent one that comes back means that two parties have it, so the session and
 * all its tokens end (RFC 9700 §2.2.2) — but for the newest token's parent within ten seconds, which gets
 * the same successor again.
 */
async function rotate(
  context: RequestContext,
  input: { readonly body: z.output<typeof body> },
): Promise<HandlerResult<z.input<typeof tokens>>> {
  const { services } = context;
  const successor = refreshSuccessor(services.keys.refresh, input.body.refresh_token);
  const rotation = await rotateRefreshToken(services.database, context.write(), {
    tokenHash: sha256Hex(input.body.refresh_token),
    successorHash: sha256Hex(successor),
  });
  if (rotation.kind === "refused") return refuse("invalid_token");
  const { user, session } = rotation;
  const memberships = await membershipsOf(services.database, user);
  if (rotation.kind === "reused") {
    const event = loginEvent(context, user, {
      outcome: "failure",
      method: "refresh_token",
      reason: "token_reused",
      mfa: "not_reached",
    });
    await endSession(services.database, context.write(), { id: session, user });
    // Nobody can say which of the two holders asked, so nobody is named as who ended it.
    const ended: AuditFields = {
      type: "session_end",
      user_id: null,
      target_user_id: user,
      session_id: session,
      reason: "token_reused",
    };
    context.caused([event, ended]);
    await endSockets(services, { user, session }, context.requestId);
    await appendToOrganisations(context, memberships, event);
    return refuse("invalid_token");
  }
  const { orgReference } = context;
  const { onlyOrg } = rotation;
  const counting = onlyOrg === null ? memberships : memberships.filter(({ org }) => org === onlyOrg);
  if (orgReference !== null && !counting.some(isOrg(orgReference))) return refuse("invalid_token");
  const door = orgReference === null ? null : (counting.find(isOrg(orgReference))?.org ?? null);
  if (!(await maySignInFromHere(context, door, user))) return refuse("geo_denied");
  const scope = scopeOf(counting, orgReference, rotation.holder, services.now());
  return answer(await tokenAnswer(context, { user, session, scope }, successor));
}
