import type { OrgMfa } from "./api/schemas.ts";

/** What an organisation's policy asks of the person before it shows them anything. */
export type FactorDemand =
  | { readonly kind: "none" }
  /** A second factor must be set up by then, RFC 3339 UTC. */
  | { readonly kind: "enrol_until"; readonly until: string }
  /** It had to be there by now. */
  | { readonly kind: "enrol" }
  /** It is there, and this session has not shown it. */
  | { readonly kind: "prove" };

/**
 * Only what to show: the server decides each call by the same policy and its own clock.
 * @param sessionMfa whether this session has shown a second factor
 * @param nowMs Unix milliseconds
 */
export function factorDemand(policy: OrgMfa, sessionMfa: boolean, nowMs: number): FactorDemand {
  if (!policy.required) return { kind: "none" };
  if (policy.satisfied) return sessionMfa ? { kind: "none" } : { kind: "prove" };
  const until = policy.grace_until;
  if (until !== null && Date.parse(until) > nowMs) return { kind: "enrol_until", until };
  return { kind: "enrol" };
}
