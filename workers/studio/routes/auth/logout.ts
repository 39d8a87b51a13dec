import { endSession } from "../../../../store/control/sessions.ts";
import { clearedSessionCookie } from "../../auth/cookie.ts";
import { endSockets } from "../../auth/end-sockets.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { nothing } from "../../http/schemas.ts";

export const logout: RouteDefinition = defineLogout("logout");
export const orgLogout: RouteDefinition = defineLogout("orgLogout");

/**
 * Ends the session, its refresh family and its sockets; then the token in hand is worth nothing. The hubs
 * go first: one that can't be told leaves a session that can still sign out, where an ended one could
 * not ask again and would leave its sockets open until the token's hour is over.
 */
function defineLogout(name: "logout" | "orgLogout"): RouteDefinition {
  return defineRoute(name, { caller: "person", status: 204, answer: nothing }, async (context) => {
    const { services, person } = context;
    await endSockets(services, person, context.requestId);
    await endSession(services.database, context.write(), { id: person.session, user: person.user });
    return answer(null, { headers: { "Set-Cookie": clearedSessionCookie() } });
  });
}
