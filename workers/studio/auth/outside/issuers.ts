import type { JWKSCacheInput } from "oauth4webapi";
import { BoundedMap } from "../../bounded-map.ts";
import type { CodeFlow } from "./code-flow.ts";
import { createDiscovery, type Discovery } from "./discovery.ts";
import { createOutboundFetch } from "./outbound.ts";
import { createIssuerKeys, type IssuerKeys } from "./supabase.ts";

/** Key sets of OpenID issuers that one isolate remembers. */
const keySetsMax = 100;

/** What an isolate knows of outside issuers, and its one way to ask them. */
export interface OutsideIssuers {
  /** Origins that development lets through; empty in production. */
  readonly loopback: ReadonlySet<string>;
  readonly discovery: Discovery;
  readonly codeFlow: CodeFlow;
  readonly issuerKeys: IssuerKeys;
}

export function createOutsideIssuers(
  platformFetch: typeof fetch,
  loopback: ReadonlySet<string>,
  now: () => number,
): OutsideIssuers {
  const outbound = createOutboundFetch(platformFetch, loopback);
  const keySets = new BoundedMap<JWKSCacheInput>(keySetsMax);
  const keys = (issuer: string): JWKSCacheInput => {
    const known = keySets.get(issuer);
    if (known !== undefined) return known;
    const empty: JWKSCacheInput = {};
    keySets.set(issuer, empty);
    return empty;
  };
  return {
    loopback,
    discovery: createDiscovery(outbound, loopback, now),
    codeFlow: { outbound, loopback, now, keys },
    issuerKeys: createIssuerKeys(outbound, now),
  };
}
