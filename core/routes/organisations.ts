import { needs, orgPath, type RouteSpec, route, signedIn } from "./route.ts";
import { wafRuleTexts } from "./waf.ts";

/** Organisations, their members and their policies. */
export const organisationsRoutes = {
  createOrg: route({
    method: "POST",
    path: "/api/v1/orgs",
    policy: signedIn,
    rateClass: "org_creation",
    summary: "Create an organisation",
  }),
  getOrg: route({
    method: "GET",
    path: orgPath,
    policy: needs("org:read"),
    whileDeleting: true,
    summary: "One organisation",
  }),
  renameOrg: route({
    method: "PATCH",
    path: orgPath,
    policy: needs("org:update"),
    summary: "Rename the organisation; its slug stays",
  }),
  deleteOrg: route({
    method: "DELETE",
    path: orgPath,
    policy: needs("org:delete"),
    stepUp: true,
    summary: "Delete the organisation; for 30 days an owner can take that back",
  }),
  restoreOrg: route({
    method: "POST",
    path: `${orgPath}/restore`,
    policy: needs("org:delete"),
    stepUp: true,
    whileDeleting: true,
    summary: "Take the organisation's deletion back",
  }),
  getUsage: route({
    method: "GET",
    path: `${orgPath}/usage`,
    policy: needs("policies:read"),
    summary: "What the plan allows, and how much of it is used",
  }),
  listMembers: route({ method: "GET", path: `${orgPath}/members`, policy: needs("members:read"), summary: "Members" }),
  changeMember: route({
    method: "PATCH",
    path: `${orgPath}/members/{user}`,
    policy: needs("members:manage"),
    stepUp: true,
    summary: "Change a member's role, disable them or let them in again",
  }),
  removeMember: route({
    method: "DELETE",
    path: `${orgPath}/members/{user}`,
    policy: needs("members:manage"),
    stepUp: true,
    summary: "Remove a member",
  }),
  endMemberSessions: route({
    method: "DELETE",
    path: `${orgPath}/members/{user}/sessions`,
    policy: needs("members:manage"),
    summary: "End all sessions of a member",
  }),
  createInvitation: route({
    method: "POST",
    path: `${orgPath}/invitations`,
    policy: needs("members:manage"),
    summary: "Invite by e-mail",
  }),
  listInvitations: route({
    method: "GET",
    path: `${orgPath}/invitations`,
    policy: needs("members:manage"),
    summary: "Open invitations",
  }),
  revokeInvitation: route({
    method: "DELETE",
    path: `${orgPath}/invitations/{invitation}`,
    policy: needs("members:manage"),
    summary: "Withdraw an invitation",
  }),
  acceptInvitation: route({
    method: "POST",
    path: "/api/v1/invitations/accept",
    policy: signedIn,
    summary: "Accept an invitation",
  }),
  getPolicy: route({
    method: "GET",
    path: `${orgPath}/policies/{policy}`,
    policy: needs("policies:read"),
    summary: "The geo, tls, mfa, waf or limits policy",
  }),
  putPolicy: route({
    method: "PUT",
    path: `${orgPath}/policies/{policy}`,
    policy: needs("policies:manage"),
    stepUp: true,
    wafExemptions: wafRuleTexts,
    summary: "Replace the geo, tls, mfa, waf or limits policy",
  }),
  limitsInUse: route({
    method: "GET",
    path: `${orgPath}/policies/limits/usage`,
    policy: needs("policies:read"),
    summary: "How much of the limits is used now, and by whom",
  }),
} as const satisfies Record<string, RouteSpec>;
