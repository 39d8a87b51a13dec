import { type RouteSpec, route, signedIn } from "./route.ts";

/** What a signed-in person sees and changes of themselves. */
export const selfRoutes = {
  me: route({
    method: "GET",
    path: "/api/v1/me",
    policy: signedIn,
    summary: "The signed-in person and their organisations",
  }),
  mySessions: route({ method: "GET", path: "/api/v1/me/sessions", policy: signedIn, summary: "One's own sessions" }),
  endOtherSessions: route({
    method: "DELETE",
    path: "/api/v1/me/sessions",
    policy: signedIn,
    summary: "End all of one's own sessions but this one",
  }),
  endMySession: route({
    method: "DELETE",
    path: "/api/v1/me/sessions/{session}",
    policy: signedIn,
    summary: "End one of one's own sessions",
  }),
} as const satisfies Record<string, RouteSpec>;
