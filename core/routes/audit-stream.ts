import { needs, orgPath, type RouteSpec, route } from "./route.ts";

const at = `${orgPath}/audit/stream`;
const manages = needs("audit:manage");

/** How the audit log leaves: where it is streamed to, as a file, and who is mailed. A stream's address may hold a token, so reading it takes what changing it takes. */
export const auditStreamRoutes = {
  getAuditStream: route({
    method: "GET",
    path: at,
    policy: manages,
    summary: "Where the audit log is streamed to, how far it has come, and what was put aside",
  }),
  putAuditStream: route({
    method: "PUT",
    path: at,
    policy: manages,
    // Whoever sets it reads everything that is done from then on.
    stepUp: true,
    wafExemptions: [{ field: "body.url", why: "an address to call, by rules of its own (core/outside-address.ts)" }],
    summary: "Stream the audit log to a SIEM; the secret that signs is shown when it is made",
  }),
  removeAuditStream: route({
    method: "DELETE",
    path: at,
    policy: manages,
    stepUp: true,
    summary: "Stream the audit log no more; what was put aside is forgotten",
  }),
  rotateAuditStreamSecret: route({
    method: "POST",
    path: `${at}/secret`,
    policy: manages,
    stepUp: true,
    summary: "A new secret that signs, shown this once; the one before is good for a day",
  }),
  resumeAuditStream: route({
    method: "POST",
    path: `${at}/resume`,
    policy: manages,
    summary: "Go on with a stream that waits or was stopped, now",
  }),
  testAuditStream: route({
    method: "POST",
    path: `${at}/test`,
    policy: manages,
    summary: "Send one signed message without entries to the stream's destination, now, and say what came of it",
  }),
  resendAuditStream: route({
    method: "POST",
    path: `${at}/dead-letters/{seq}/resend`,
    policy: manages,
    summary: "Send a message that was put aside once more, by the number of its first entry",
  }),
  exportAudit: route({
    method: "GET",
    path: `${orgPath}/audit/export`,
    policy: needs("audit:read"),
    summary: "The audit log as a file, part by part: JSON lines that prove themselves, or a table",
  }),
  getAuditAlerts: route({
    method: "GET",
    path: `${orgPath}/audit/alerts`,
    policy: needs("audit:read"),
    summary: "Whether owners and admins are mailed what the log says should be looked at",
  }),
  putAuditAlerts: route({
    method: "PUT",
    path: `${orgPath}/audit/alerts`,
    policy: manages,
    // Whoever is about to raise an alert would rather nobody heard.
    stepUp: true,
    summary: "Mail alerts to owners and admins, or not",
  }),
} as const satisfies Record<string, RouteSpec>;
