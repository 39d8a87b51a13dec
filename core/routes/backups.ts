import { needs, orgPath, type RouteSpec, route } from "./route.ts";

/** Backups are made every night, and when owners and administrators ask for one; whoever runs the platform restores them. */
export const backupRoutes = {
  listBackups: route({
    method: "GET",
    path: `${orgPath}/backups`,
    policy: needs("org:update"),
    summary: "Backups of the organisation, newest first",
  }),
  createBackup: route({
    method: "POST",
    path: `${orgPath}/backups`,
    policy: needs("org:update"),
    bodyBytesMax: 0,
    summary: "Make a backup now",
  }),
  listBackupRuns: route({
    method: "GET",
    path: `${orgPath}/backups/runs`,
    policy: needs("org:update"),
    summary: "Backups that wait, are being made, were made or failed, newest first",
  }),
} as const satisfies Record<string, RouteSpec>;
