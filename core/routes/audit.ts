import { needs, orgPath, type RouteSpec, route } from "./route.ts";

/** The audit log. */
export const auditRoutes = {
  listAudit: route({
    method: "GET",
    path: `${orgPath}/audit`,
    policy: needs("audit:read"),
    summary: "The audit log, newest first",
  }),
} as const satisfies Record<string, RouteSpec>;
