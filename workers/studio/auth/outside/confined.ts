import type { RouteName } from "../../../../core/routes.ts";

/**
 * What a session that an organisation's own provider opened may do outside its organisation's routes: look
 * at itself, prove more, and end. The organisation's administrators choose the issuer, so they could open such
 * a session as any of their members: it must change nothing of the person's (password, factors, address,
 * other identities), join nothing, and show nothing of their other organisations.
 */
const confinedRoutes: ReadonlySet<string> = new Set<string>([
  "me",
  "logout",
  "orgLogout",
  "stepUp",
  "stepUpPasskeyOptions",
]);

/** True for a signed-in person's route that is open to a session of one organisation alone. */
export function mayConfined(route: RouteName): boolean {
  return confinedRoutes.has(route);
}
