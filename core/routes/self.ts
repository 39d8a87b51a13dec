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
  changePassword: route({
    method: "POST",
    path: "/api/v1/me/password",
    policy: signedIn,
    rateClass: "mfa",
    stepUp: true,
    wafExemptions: [
      { field: "body.current_password", why: "a good password looks like an attack; it is hashed, never shown or run" },
      { field: "body.new_password", why: "a good password looks like an attack; it is hashed, never shown or run" },
    ],
    summary: "Set one's own password; all other sessions end",
  }),
  changeEmail: route({
    method: "POST",
    path: "/api/v1/me/email",
    policy: signedIn,
    rateClass: "mfa",
    stepUp: true,
    summary: "Ask to change one's own e-mail address; both addresses must agree",
  }),
} as const satisfies Record<string, RouteSpec>;
