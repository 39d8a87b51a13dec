import { clearedSessionCookie } from "../../auth/cookie.ts";
import { endSessionEverywhere } from "../../auth/end-sockets.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { nothing } from "../../http/schemas.ts";

export const logout: RouteDefinition = defineLogout("logout");
export const orgLogout: RouteDefinition = defineLogout("orgLogout");

/** Ends the session, its refresh family and its sockets; then the token in hand is worth nothing. */
function defineLogout(name: "logout" | "orgLogout"): RouteDefinition {
  return defineRoute(name, { caller: "person", status: 204, answer: nothing }, async (context) => {
    await endSessionEverywhere(context, context.person, context.own.memberships);
    return answer(null, { headers: { "Set-Cookie": clearedSessionCookie() } });
  });
}
