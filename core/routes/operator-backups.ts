import { operatorRoute, type RouteSpec, route } from "./route.ts";

const backupsPath = "/api/v1/operator/orgs/{target}/backups";
/** `{target}` is an organisation's id or slug, as in operator.ts. */
const hubPath = "/api/v1/operator/orgs/{target}/hub";

/**
 * What the operator's backups and restores ask of an organisation's hub. They are counted like every use of the
 * operator's token, so whoever reads many pages waits now and then, as Retry-After says.
 */
export const operatorBackupRoutes = {
  beginHubExport: route({
    method: "POST",
    path: `${hubPath}/export`,
    policy: operatorRoute,
    summary: "Copy what an organisation's hub holds, to be read page by page",
  }),
  readHubExport: route({
    method: "GET",
    path: `${hubPath}/export`,
    policy: operatorRoute,
    summary: "One page of such a copy",
  }),
  endHubExport: route({
    method: "POST",
    path: `${hubPath}/export/end`,
    policy: operatorRoute,
    summary: "Forget such a copy",
  }),
  recordBackup: route({
    method: "POST",
    path: "/api/v1/operator/orgs/{target}/backups/record",
    policy: operatorRoute,
    summary: "Put on record, in the organisation's own log too, that it was backed up or is restored",
  }),
  operatorListBackups: route({
    method: "GET",
    path: backupsPath,
    policy: operatorRoute,
    summary: "Backups of an organisation, the platform's own and the operator's, newest first",
  }),
  readBackup: route({
    method: "GET",
    path: `${backupsPath}/{backup}`,
    policy: operatorRoute,
    summary: "One piece of a backup that the platform made, sealed as it lies",
  }),
  openBackupKey: route({
    method: "POST",
    path: `${backupsPath}/{backup}/key`,
    policy: operatorRoute,
    bodyBytesMax: 0,
    summary: "The key of a backup that the platform made, to restore it; on record in the organisation's own log",
  }),
  reconcileHub: route({
    method: "POST",
    path: `${hubPath}/reconcile`,
    policy: operatorRoute,
    summary: "Tell an organisation's hub which devices or groups there are now, after a restore",
  }),
} as const satisfies Record<string, RouteSpec>;
