import { needs, orgPath, publicRoute, type RouteSpec, route, type WafExemption } from "./route.ts";

const geo = `${orgPath}/policies/geo`;
const codeIsOpaque: readonly WafExemption[] = [
  { field: "body.code", why: "a secret as somebody typed it; it is hashed, never shown or run" },
];

/** What belongs to a geo policy besides reading and replacing it. */
export const geoRoutes = {
  simulateGeo: route({
    method: "POST",
    path: `${geo}/simulate`,
    policy: needs("policies:manage"),
    summary: "What geo rules would refuse of the last 30 days, and whom of the last 7",
  }),
  confirmGeo: route({
    method: "POST",
    path: `${geo}/confirm`,
    policy: needs("policies:manage"),
    bodyBytesMax: 0,
    summary: "Keep a change of the geo policy that would go back by itself",
  }),
  addGeoException: route({
    method: "POST",
    path: `${geo}/exceptions/{user}`,
    policy: needs("policies:manage"),
    stepUp: true,
    summary: "Let a member come from one more country until a day",
  }),
  listGeoExceptions: route({
    method: "GET",
    path: `${geo}/exceptions`,
    policy: needs("policies:read"),
    summary: "Members who may come from other countries, and until when",
  }),
  removeGeoException: route({
    method: "DELETE",
    path: `${geo}/exceptions/{exception}`,
    policy: needs("policies:manage"),
    summary: "End such an exception",
  }),
  makeBreakGlass: route({
    method: "POST",
    path: `${geo}/break-glass-code`,
    policy: needs("break_glass:manage"),
    bodyBytesMax: 0,
    stepUp: true,
    summary: "Make the organisation's one break-glass code; shown once",
  }),
  showBreakGlass: route({
    method: "GET",
    path: `${geo}/break-glass-code`,
    policy: needs("policies:read"),
    summary: "When the break-glass code was made and used",
  }),
  useBreakGlass: route({
    method: "POST",
    path: `${geo}/break-glass`,
    policy: publicRoute("the code is the credential; it opens a country, and signs nobody in"),
    rateClass: "sign_in",
    wafExemptions: codeIsOpaque,
    geo: { anywhere: "it is for whoever the policy keeps out" },
    summary: "Open the dashboard to this country for 24 hours, with the break-glass code",
  }),
} as const satisfies Record<string, RouteSpec>;
