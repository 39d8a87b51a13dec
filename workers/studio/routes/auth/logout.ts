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
    const { user, session } = context.person;
    await endSessionEverywhere(context, context.person, context.own.memberships);
    context.caused([
      { type: "session_end", user_id: user, target_user_id: user, session_id: session, reason: "signed_out" },
    ]);
    return answer(null, { headers: { "Set-Cookie": clearedSessionCookie() } });
  });
}
