import { needs, orgPath, type RouteSpec, route, type WafExemption } from "./route.ts";

const at = `${orgPath}/export-destinations`;
const one = `${at}/{export_destination}`;
const manages = needs("policies:manage");

/** What an administrator copies out of a provider's console. */
const copied: readonly WafExemption[] = [
  { field: "body.url", why: "an address to call, by rules of its own (core/outside-address.ts)" },
  { field: "body.endpoint", why: "an address to call, by rules of its own (core/exports/s3.ts)" },
  { field: "body.secret_access_key", why: "a good secret looks like an attack; it is sealed, never shown" },
];

/** Where exports may go besides a download. Whoever sets it decides where data leaves for. */
export const exportDestinationsRoutes = {
  listExportDestinations: route({
    method: "GET",
    path: at,
    policy: manages,
    summary: "Buckets and webhooks that exports may go to; their secrets as fingerprints",
  }),
  addExportDestination: route({
    method: "POST",
    path: at,
    policy: manages,
    stepUp: true,
    wafExemptions: copied,
    summary: "Add a bucket of one's own or a webhook; the secret that signs a webhook is shown this once",
  }),
  changeExportDestination: route({
    method: "PUT",
    path: one,
    policy: manages,
    stepUp: true,
    wafExemptions: copied,
    summary: "Change a destination, or give it another secret",
  }),
  removeExportDestination: route({
    method: "DELETE",
    path: one,
    policy: manages,
    stepUp: true,
    summary: "Take a destination away: its secret is gone at once",
  }),
  testExportDestination: route({
    method: "POST",
    path: `${one}/test`,
    policy: manages,
    stepUp: true,
    summary: "Write a small object there, or post a message that carries nothing",
  }),
  getExportSettings: route({
    method: "GET",
    path: `${orgPath}/export-settings`,
    policy: needs("policies:read"),
    summary: "From how many rows on an export needs a second administrator",
  }),
  putExportSettings: route({
    method: "PUT",
    path: `${orgPath}/export-settings`,
    policy: manages,
    stepUp: true,
    summary: "Set from how many rows on an export needs a second administrator",
  }),
} as const satisfies Record<string, RouteSpec>;
