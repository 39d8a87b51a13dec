import { type Method, matchRoute, type RouteMatch } from "../../core/routes.ts";
import { type OrgPolicy, platformPolicy } from "../../core/tenancy/policy.ts";
import type { Env } from "./env.ts";
import { findPolicy, type KnownPolicies } from "./policies.ts";
import type { RequestTarget } from "./request-target.ts";

/** The part of a policy by which a request is judged before anyone is known. */
export type JudgedPolicy = Pick<OrgPolicy, "geo" | "tlsDeviceMin" | "waf">;

/**
 * What a request addresses. A miss is judged by the first gates all the same, under the platform's
 * policy, so that scanners are refused and counted; the path's answer comes after.
 */
export type Resolution =
  | {
      readonly kind: "route";
      readonly match: RouteMatch;
      /** Null when the path names no organisation. */
      readonly org: OrgPolicy | null;
      readonly policy: JudgedPolicy;
    }
  | {
      readonly kind: "miss";
      readonly code: "not_found" | "method_not_allowed" | "malformed_request";
      readonly allow: readonly string[];
      readonly policy: JudgedPolicy;
    };

/**
 * Finds route and organisation. A name nobody has is a miss like any other path: no object is
 * touched for it.
 * @throws whatever KV throws
 */
export async function resolveRequest(
  method: string,
  target: RequestTarget,
  policies: Env["POLICIES"],
  known: KnownPolicies,
  nowMs: number,
): Promise<Resolution> {
  if (!target.unambiguous) return miss("malformed_request");
  const match = matchRoute(method, target.rawPath);
  if ("miss" in match) return miss(match.miss, match.miss === "method_not_allowed" ? allowed(match.allow) : []);
  const named = match.params["org"];
  if (named === undefined) return { kind: "route", match, org: null, policy: platformPolicy };
  const org = await findPolicy(named, policies, known, nowMs);
  return org === null ? miss("not_found") : { kind: "route", match, org, policy: org };
}

function miss(
  code: "not_found" | "method_not_allowed" | "malformed_request",
  allow: readonly string[] = [],
): Resolution {
  return { kind: "miss", code, allow, policy: platformPolicy };
}

/** RFC 9110 §10.2.1; HEAD goes wherever GET does. */
function allowed(methods: readonly Method[]): string[] {
  const names = new Set<string>(methods);
  if (names.has("GET")) names.add("HEAD");
  return [...names];
}
