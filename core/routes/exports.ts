import { needs, orgPath, publicRoute, type RouteSpec, route } from "./route.ts";

const exports = `${orgPath}/exports`;
const one = `${exports}/{export_id}`;

/** Exports: asked for, watched, fetched, given up. What may be exported is what may be read. */
export const exportsRoutes = {
  createExport: route({
    method: "POST",
    path: exports,
    policy: needs("exports:make"),
    summary: "Ask for an export of devices, telemetry, documents or the audit log",
  }),
  listExports: route({
    method: "GET",
    path: exports,
    policy: needs("exports:read"),
    summary: "Exports, newest first: one's own, or everybody's for administrators",
  }),
  getExport: route({
    method: "GET",
    path: one,
    policy: needs("exports:read"),
    summary: "An export and how far it is",
  }),
  cancelExport: route({
    method: "DELETE",
    path: one,
    policy: needs("exports:make"),
    summary: "Give up an export that is not over",
  }),
  downloadExport: route({
    method: "GET",
    path: `${one}/download`,
    policy: needs("exports:read"),
    summary: "The result of one's own export, as an attachment",
  }),
  createExportTicket: route({
    method: "POST",
    path: `${one}/tickets`,
    policy: needs("exports:read"),
    bodyBytesMax: 0,
    summary: "A ticket for one download of the result, good for a quarter of an hour in this session",
  }),
  redeemExportTicket: route({
    method: "POST",
    path: "/content/{org}/exports",
    policy: publicRoute("the ticket is the credential; whoever it was given to is judged again"),
    takes: "form",
    cookieless: "a saved file is nobody's page, and no cookie is worth anything where it is answered",
    wafExemptions: [{ field: "body.ticket", why: "random, ours, and no text" }],
    summary: "The result of an export for a ticket, as an attachment",
  }),
} as const satisfies Record<string, RouteSpec>;
