import { apiPath, operatorRoute, type RouteSpec, route } from "./route.ts";

/** Marks the operator's token: 256 random bits behind a prefix that scanners for leaked secrets can look for. */
export const operatorTokenPrefix = "sop_";
/** 32 bytes in base64url behind the prefix. */
export const operatorTokenPattern = /^sop_[A-Za-z0-9_-]{43}$/;

/** What whoever runs the platform does to it; reached with `npm run sentinel`, never from a browser. */
export const operatorRoutes = {
  rotateKeys: route({
    method: "POST",
    path: `${apiPath}/operator/keys/rotate`,
    policy: operatorRoute,
    summary: "Revoke every signing key of one purpose and sign with a new one at once",
  }),
  disableUser: route({
    method: "POST",
    path: `${apiPath}/operator/users/disable`,
    policy: operatorRoute,
    summary: "Shut a person out of the platform and end all their sessions",
  }),
  enableUser: route({
    method: "POST",
    path: `${apiPath}/operator/users/enable`,
    policy: operatorRoute,
    summary: "Let a disabled person in again",
  }),
} as const satisfies Record<string, RouteSpec>;
