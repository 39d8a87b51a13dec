import type { RouteMatch, RouteName } from "../../../core/routes.ts";
import type { Surface } from "../../../core/tenancy/geo-policy.ts";
import { deviceTokenPrefix, type PresentedCredential } from "../presented-credential.ts";

const enrolment: ReadonlySet<RouteName> = new Set<RouteName>(["enroll", "orgEnroll"]);
/** Programs keep refresh tokens; a browser has its cookie. */
const programsOwn: ReadonlySet<RouteName> = new Set<RouteName>(["refresh", "orgRefresh"]);

/**
 * Which surface a request is for, before its credential is verified: the credential's form says it, and where
 * none is asked for, the route alone. Nobody gains by lying. A cookie's secret is no bearer token and the other
 * way round, so another form is another credential, which its own surface's rules judge; and on a public route
 * (sign-in, enrolment) a credential that somebody adds changes nothing, or an API key of one's own would open
 * the sign-in page of a country to guesses from everywhere.
 * @returns null for an MQTT upgrade without a credential: CONNECT will say who it is, and the hub judges then
 */
export function surfaceOf({ name, route }: RouteMatch, presented: PresentedCredential): Surface | null {
  if (enrolment.has(name)) return "devices";
  if (name === "mqtt") {
    if (presented.kind === "none") return null;
    if (presented.kind === "bearer" && presented.token.startsWith(deviceTokenPrefix)) return "devices";
    return isBearer(presented) ? "api" : "dashboard";
  }
  if (route.policy.kind === "public") return programsOwn.has(name) ? "api" : "dashboard";
  return isBearer(presented) ? "api" : "dashboard";
}

function isBearer(presented: PresentedCredential): boolean {
  return presented.kind === "bearer" || (presented.kind === "malformed" && presented.source === "bearer");
}
