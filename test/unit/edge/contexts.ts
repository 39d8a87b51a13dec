import { makeId, type OrgId, type OrgSlug, parseSlug, type RequestId, type UserId } from "../../../core/ids.ts";
import { matchRoute } from "../../../core/routes.ts";
import { defaultLimitsPolicy } from "../../../core/tenancy/limits-policy.ts";
import { type OrgPolicy, platformPolicy } from "../../../core/tenancy/policy.ts";
import { clientAddress } from "../../../workers/edge/client-address.ts";
import type { Env } from "../../../workers/edge/env.ts";
import type { RequestContext } from "../../../workers/edge/gates/gate.ts";
import { createIsolate } from "../../../workers/edge/isolate.ts";
import { readRequestTarget } from "../../../workers/edge/request-target.ts";
import type { Resolution } from "../../../workers/edge/resolve.ts";

export const nowMs = Date.UTC(2026, 10, 22);
const bytes = (fill: number): Uint8Array => new Uint8Array(10).fill(fill);
export const orgId: OrgId = makeId("org", nowMs, bytes(1));
export const otherOrgId: OrgId = makeId("org", nowMs, bytes(2));
export const userId: UserId = makeId("user", nowMs, bytes(3));
export const requestId: RequestId = makeId("request", nowMs, bytes(4));
export const slug = parseSlug("demo") as OrgSlug;

export const orgPolicy = (changes: Partial<OrgPolicy> = {}): OrgPolicy => ({
  version: 2,
  org: orgId,
  slug,
  status: "active",
  ...platformPolicy,
  limits: defaultLimitsPolicy,
  ...changes,
});

/** A binding that must not be asked in the test at hand. */
const untouched = (name: string): never => new Proxy({}, { get: () => () => expectUntouched(name) }) as never;
function expectUntouched(name: string): never {
  throw new Error(`${name} was asked`);
}

export const bareEnv = (changes: Partial<Env> = {}): Env => ({
  LIMIT_SCALE: "1",
  ISSUER: "https://sentinel.test",
  ASSETS: untouched("ASSETS"),
  POLICIES: untouched("POLICIES"),
  STUDIO: untouched("STUDIO"),
  SESSIONS: untouched("SESSIONS"),
  DEVICE_GATEWAY: untouched("DEVICE_GATEWAY"),
  LIMITS: untouched("LIMITS"),
  EDGE_EVENTS: untouched("EDGE_EVENTS"),
  PUBLIC_KEYS: untouched("PUBLIC_KEYS"),
  FLOOD: untouched("FLOOD"),
  ...changes,
});

/** A request as the gates see it. `cf` is what Cloudflare says of it; nobody is asked. */
export function contextOf(
  url: string,
  options: {
    readonly init?: RequestInit & { readonly duplex?: "half" };
    readonly cf?: Readonly<Record<string, unknown>>;
    readonly org?: OrgPolicy;
    readonly env?: Partial<Env>;
  } = {},
): RequestContext {
  const request = new Request(url, options.init);
  Object.defineProperty(request, "cf", { value: options.cf ?? { country: "IN", tlsVersion: "TLSv1.3" } });
  const target = readRequestTarget(url);
  const match = matchRoute(request.method, target.rawPath);
  const org = options.org ?? null;
  const resolution: Resolution =
    "miss" in match
      ? { kind: "miss", code: match.miss, allow: "allow" in match ? match.allow : [], policy: platformPolicy }
      : { kind: "route", match, org, policy: org ?? platformPolicy };
  const env = bareEnv(options.env);
  const client = clientAddress(request.headers);
  if (client === null) throw new Error("the test's address is malformed");
  return { request, env, isolate: createIsolate(env, () => nowMs), requestId, nowMs, target, client, resolution };
}
