import { operatorRoute, type RouteSpec, route } from "./route.ts";

/** What the operator's tool says of tenants' schemas. `{target}` is an organisation's id or slug, as in operator.ts. */
export const operatorMigrationRoutes = {
  recordMigration: route({
    method: "POST",
    path: "/api/v1/operator/orgs/{target}/migrations/record",
    policy: operatorRoute,
    summary: "Put on record, in the organisation's own log too, that its schema was migrated or refused to be",
  }),
} as const satisfies Record<string, RouteSpec>;
