/** What a route declares; every file beside this one is a part of the table (../routes.ts). */
import { bodyBytesDefaultMax, type RateClass } from "../limits.ts";
import type { Permission } from "../tenancy/roles.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Who may call it. There is no default: a route without a policy does not type-check or boot. */
export type RoutePolicy =
  /** Anyone; says why that is right. */
  | { readonly kind: "public"; readonly why: string }
  /** Any signed-in person. */
  | { readonly kind: "signed_in" }
  /** A member of the organisation in the path whose role grants it. */
  | { readonly kind: "permission"; readonly permission: Permission }
  /** Whoever runs the platform, by a token of its own; for everybody else the route is not there. */
  | { readonly kind: "operator" };

/** Fields whose text the WAF does not judge, and why. Narrow: one field of one route. */
export interface WafExemption {
  readonly field: `body.${string}` | `query.${string}`;
  readonly why: string;
}

export interface RouteSpec {
  readonly method: Method;
  /** `{name}` matches one segment. */
  readonly path: string;
  readonly policy: RoutePolicy;
  /** Largest body in bytes; 0 refuses any body. */
  readonly bodyBytesMax: number;
  /** `form`: JSON, or a plain form of a page. `bytes`: handed on as it comes and held by nobody; its length is announced, and the WAF doesn't read it. `signed`: JSON that counts by a signature over its bytes, read whole, handed on untouched, and parsed by whoever has verified it. */
  readonly takes: "json" | "form" | "bytes" | "signed";
  /** No cookie counts, and none is looked at: says what does. */
  readonly cookieless: string | null;
  readonly rateClass: RateClass;
  readonly wafExemptions: readonly WafExemption[];
  /**
   * Wants proof of the person within the last ten minutes (`stepUpMsMax`): their second factor, or the
   * password of someone who has none. Otherwise 401 `step_up_required` (RFC 9470).
   */
  readonly stepUp: boolean;
  /** Open to owners of an organisation that is to be deleted, and so is the edge; every other route is shut then. */
  readonly whileDeleting: boolean;
  /** `addressed`: the organisation's geo policy if the path names one, else the platform's. */
  readonly geo: "addressed" | { readonly anywhere: string };
  /** Which unit answers it. */
  readonly servedBy: "edge" | "studio" | "hub";
  readonly summary: string;
}

/** Anyone may call it; `why` says why that is right. */
export const publicRoute = (why: string): RoutePolicy => ({ kind: "public", why });
export const signedIn: RoutePolicy = { kind: "signed_in" };
/** Whoever holds the operator's token. */
export const operatorRoute: RoutePolicy = { kind: "operator" };
/** A member whose role grants `permission`. */
export const needs = (permission: Permission): RoutePolicy => ({ kind: "permission", permission });

type Defaults =
  | "bodyBytesMax"
  | "takes"
  | "cookieless"
  | "rateClass"
  | "wafExemptions"
  | "stepUp"
  | "whileDeleting"
  | "geo"
  | "servedBy";
type Declared = Omit<RouteSpec, Defaults> & Partial<Pick<RouteSpec, Defaults>>;

/** Fills what a route may leave out. `policy` is not among it. */
export function route(declared: Declared): RouteSpec {
  const reads = declared.method === "GET";
  return {
    bodyBytesMax: reads ? 0 : bodyBytesDefaultMax,
    takes: "json",
    cookieless: null,
    // The operator's token is guessed at like a password, if at all.
    rateClass: declared.policy.kind === "operator" ? "sign_in" : "default",
    wafExemptions: [],
    stepUp: false,
    // The way in: an owner who comes by the organisation's own door must be able to take its deletion back.
    whileDeleting: declared.path.startsWith(`${orgPath}/auth/`),
    geo: "addressed",
    servedBy: "studio",
    ...declared,
  };
}

/** Where an organisation's routes begin; `{org}` is its id or slug. */
export const orgPath = "/api/v1/orgs/{org}";
/** Where the others begin. */
export const apiPath = "/api/v1";
