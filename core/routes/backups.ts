import { needs, orgPath, type RouteSpec, route } from "./route.ts";

/** Backups of an organisation are made by whoever runs the platform; here its owners and administrators see that they are. */
export const backupRoutes = {
  listBackups: route({
    method: "GET",
    path: `${orgPath}/backups`,
    policy: needs("org:update"),
    summary: "Backups of the organisation, newest first",
  }),
} as const satisfies Record<string, RouteSpec>;
