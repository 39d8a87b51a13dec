import { apiPath, operatorRoute, type RouteSpec, route } from "./route.ts";

/** Marks the operator's token: 256 random bits behind a prefix that scanners for leaked secrets can look for. */
export const operatorTokenPrefix = "sop_";
/** 32 bytes in base64url behind the prefix. */
export const operatorTokenPattern = /^sop_[A-Za-z0-9_-]{43}$/;

/** `{target}` is an organisation's id or slug. Not `{org}`, which would put the organisation's own geo policy over the operator. */
const targetPath = `${apiPath}/operator/orgs/{target}`;

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
  eraseUser: route({
    method: "POST",
    path: `${apiPath}/operator/users/erase`,
    policy: operatorRoute,
    summary: "Make a disabled person unreadable in the platform's own audit logs, for good",
  }),
  operatorGetOrg: route({
    method: "GET",
    path: targetPath,
    policy: operatorRoute,
    summary: "One organisation as the platform sees it",
  }),
  operatorSuspendOrg: route({
    method: "POST",
    path: `${targetPath}/suspend`,
    policy: operatorRoute,
    summary: "Suspend an organisation: nobody and nothing of it gets in, and nothing is lost",
  }),
  operatorResumeOrg: route({
    method: "POST",
    path: `${targetPath}/resume`,
    policy: operatorRoute,
    summary: "Open a suspended organisation again",
  }),
  operatorDeleteOrg: route({
    method: "POST",
    path: `${targetPath}/delete`,
    policy: operatorRoute,
    summary: "Delete an organisation after the grace",
  }),
  operatorRestoreOrg: route({
    method: "POST",
    path: `${targetPath}/restore`,
    policy: operatorRoute,
    summary: "Take an organisation's deletion back",
  }),
  operatorSetPlan: route({
    method: "POST",
    path: `${targetPath}/plan`,
    policy: operatorRoute,
    summary: "Put an organisation on another plan",
  }),
  operatorMove: route({
    method: "POST",
    path: `${targetPath}/move`,
    policy: operatorRoute,
    summary: "Begin to move an organisation's database to another placement; the operator's command does the rest",
  }),
  operatorGiveUpMove: route({
    method: "POST",
    path: `${targetPath}/move/give-up`,
    policy: operatorRoute,
    summary: "Put on record that an organisation's move is given up, before it has switched",
  }),
  operatorFinishMove: route({
    method: "POST",
    path: `${targetPath}/move/finish`,
    policy: operatorRoute,
    summary: "Put the end of a move on record, once the organisation is where it was to be",
  }),
} as const satisfies Record<string, RouteSpec>;
