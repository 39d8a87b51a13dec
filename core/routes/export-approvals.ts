import { needs, orgPath, type RouteSpec, route } from "./route.ts";

const one = `${orgPath}/exports/{export_id}`;
const manages = needs("policies:manage");

/** What a second administrator says to an export of more rows than leave on one person's word. */
export const exportApprovalsRoutes = {
  approveExport: route({
    method: "POST",
    path: `${one}/approve`,
    policy: manages,
    stepUp: true,
    bodyBytesMax: 0,
    summary: "Agree to somebody else's export, which then begins",
  }),
  rejectExport: route({
    method: "POST",
    path: `${one}/reject`,
    policy: manages,
    stepUp: true,
    bodyBytesMax: 0,
    summary: "Refuse somebody else's export",
  }),
} as const satisfies Record<string, RouteSpec>;
