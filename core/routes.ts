/**
 * Every route once. The edge reads it to judge a request (policy of whom, size, rate, WAF), studio
 * reads it to serve one, and a path that is not here does not exist.
 */
import { apiKeysRoutes } from "./routes/api-keys.ts";
import { auditRoutes } from "./routes/audit.ts";
import { auditStreamRoutes } from "./routes/audit-stream.ts";
import { backendsRoutes } from "./routes/backends.ts";
import { backupRoutes } from "./routes/backups.ts";
import { billingRoutes } from "./routes/billing.ts";
import { devicesRoutes } from "./routes/devices.ts";
import { documentsRoutes } from "./routes/documents.ts";
import { encryptionRoutes } from "./routes/encryption.ts";
import { exportApprovalsRoutes } from "./routes/export-approvals.ts";
import { exportDestinationsRoutes } from "./routes/export-destinations.ts";
import { exportsRoutes } from "./routes/exports.ts";
import { factorsRoutes } from "./routes/factors.ts";
import { geoRoutes } from "./routes/geo.ts";
import { groupsRoutes } from "./routes/groups.ts";
import { llmRoutes } from "./routes/llm.ts";
import { operatorRoutes } from "./routes/operator.ts";
import { operatorBackupRoutes } from "./routes/operator-backups.ts";
import { operatorMigrationRoutes } from "./routes/operator-migrations.ts";
import { organisationsRoutes } from "./routes/organisations.ts";
import { outsideIssuersRoutes } from "./routes/outside-issuers.ts";
import { pagesRoutes } from "./routes/pages.ts";
import { paymentEventRoutes } from "./routes/payment-events.ts";
import type { Method, RouteSpec } from "./routes/route.ts";
import { selfRoutes } from "./routes/self.ts";
import { signInRoutes } from "./routes/sign-in.ts";
import { systemRoutes } from "./routes/system.ts";
import { wafRoutes } from "./routes/waf.ts";

export type { Method, RoutePolicy, RouteSpec, WafExemption } from "./routes/route.ts";

export const routes = {
  ...systemRoutes,
  ...signInRoutes,
  ...factorsRoutes,
  ...selfRoutes,
  ...organisationsRoutes,
  ...geoRoutes,
  ...wafRoutes,
  ...apiKeysRoutes,
  ...groupsRoutes,
  ...devicesRoutes,
  ...documentsRoutes,
  ...exportDestinationsRoutes,
  ...exportApprovalsRoutes,
  ...exportsRoutes,
  ...llmRoutes,
  ...backendsRoutes,
  ...billingRoutes,
  ...auditRoutes,
  ...auditStreamRoutes,
  ...backupRoutes,
  ...encryptionRoutes,
  ...operatorRoutes,
  ...operatorBackupRoutes,
  ...operatorMigrationRoutes,
  ...outsideIssuersRoutes,
  ...paymentEventRoutes,
  ...pagesRoutes,
} as const satisfies Record<string, RouteSpec>;

export type RouteName = keyof typeof routes;

/** A matched route and the raw values of its path parameters (percent-decoding is the gates' work). */
export interface RouteMatch {
  readonly name: RouteName;
  readonly route: RouteSpec;
  readonly params: Readonly<Record<string, string>>;
}

export type RouteMiss =
  | { readonly miss: "not_found" }
  | { readonly miss: "method_not_allowed"; readonly allow: Method[] };

interface Compiled {
  readonly name: RouteName;
  readonly route: RouteSpec;
  readonly segments: readonly Segment[];
}

/** One part of a pattern: a text that is itself, or the name of what it takes. */
type Segment =
  | { readonly takes: "itself"; readonly text: string }
  | { readonly takes: "one" | "rest"; readonly name: string };

/** `{name}` takes one segment, `{name*}` all that are left. */
function compile(part: string): Segment {
  const [, name, star] = /^\{(\w+)(\*?)\}$/.exec(part) ?? [];
  return name === undefined ? { takes: "itself", text: part } : { takes: star === "" ? "one" : "rest", name };
}

const compiled: readonly Compiled[] = Object.entries(routes).map(([name, spec]) => ({
  name: name as RouteName,
  route: spec,
  segments: spec.path.split("/").slice(1).map(compile),
}));

/**
 * Finds the route of a method and path. Matching is exact: no trailing slash, no empty segment, no
 * case folding, so that the edge and studio can't disagree. `HEAD` is `GET`.
 */
export function matchRoute(method: string, path: string): RouteMatch | RouteMiss {
  const segments = path.split("/").slice(1);
  const wanted = method === "HEAD" ? "GET" : method;
  const allow: Method[] = [];
  for (const candidate of compiled) {
    const params = matchSegments(candidate.segments, segments);
    if (params === null) continue;
    if (candidate.route.method === wanted) return { name: candidate.name, route: candidate.route, params };
    allow.push(candidate.route.method);
  }
  return allow.length > 0 ? { miss: "method_not_allowed", allow } : { miss: "not_found" };
}

function matchSegments(pattern: readonly Segment[], segments: readonly string[]): Record<string, string> | null {
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    if (part.takes === "rest") {
      const tail = segments.slice(index);
      if (tail.length === 0 || tail.some((segment) => segment === "")) return null;
      params[part.name] = tail.join("/");
      return params;
    }
    const segment = segments[index];
    if (segment === undefined) return null;
    if (part.takes === "itself") {
      if (part.text !== segment) return null;
    } else {
      if (segment === "") return null;
      params[part.name] = segment;
    }
  }
  return pattern.length === segments.length ? params : null;
}
