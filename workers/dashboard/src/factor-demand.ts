import type { OrgMfa } from "./api/schemas.ts";
import { hasSecondFactor } from "./second-factor.ts";

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
 * @param factors what `/me` names; a recovery code is no factor by itself
 * @param nowMs Unix milliseconds
 */
export function factorDemand(policy: OrgMfa, factors: readonly string[], nowMs: number): FactorDemand {
  if (!policy.required || policy.satisfied) return { kind: "none" };
  const until = policy.grace_until;
  const inGrace = until !== null && Date.parse(until) > nowMs;
  if (hasSecondFactor(factors)) return { kind: inGrace ? "none" : "prove" };
  return inGrace ? { kind: "enrol_until", until } : { kind: "enrol" };
}
