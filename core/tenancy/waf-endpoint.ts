import { orgPath, type RouteSpec } from "../routes/route.ts";
import { routes } from "../routes.ts";

/** A route as people name it: its method and its pattern, never a path with somebody's identifiers in it. */
export const endpointOf = ({ method, path }: Pick<RouteSpec, "method" | "path">): string => `${method} ${path}`;

/** Every endpoint whose path names the organisation: whose policy judges it. */
const orgEndpoints: ReadonlyMap<string, RouteSpec> = new Map(
  Object.values<RouteSpec>(routes)
    .filter(({ path }) => path.includes("{org}"))
    .map((route) => [endpointOf(route), route]),
);

export const orgEndpointNames: readonly string[] = [...orgEndpoints.keys()];
export const isOrgEndpoint = (text: string): boolean => orgEndpoints.has(text);

/**
 * Whether an organisation's own rules leave an endpoint alone: signing in at its door, its pages, and its policies.
 * A rule that refused its author's next change could be undone by nobody. The platform's rules judge it all the same,
 * and from where people may sign in, the geo policy says, which shows whom a change would shut out.
 */
export function isWayBack({ method, path, servedBy }: Pick<RouteSpec, "method" | "path" | "servedBy">): boolean {
  if (servedBy === "edge" || (method === "GET" && path === orgPath)) return true;
  return path.startsWith(`${orgPath}/policies/`) || path.startsWith(`${orgPath}/auth/`);
}
