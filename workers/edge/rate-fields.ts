import type { RateDecision } from "../../core/rpc/durable-objects.ts";

/** One bound that a request was counted under, and what is left of it. */
export interface Counted {
  /** Its name for the client. */
  readonly policy: string;
  readonly windowMs: number;
  readonly decision: RateDecision;
}

/**
 * draft-ietf-httpapi-ratelimit-headers: each bound's quota and window, what is left and seconds until it is full
 * again; the one with the least left stands first, because simple clients read no further.
 */
export function rateFields(counted: readonly Counted[]): Record<string, string> {
  if (counted.length === 0) return {};
  const inOrder = [...counted].sort((a, b) => leftOf(a) - leftOf(b));
  return {
    "RateLimit-Policy": inOrder
      .map(({ policy, windowMs, decision }) => `"${policy}";q=${decision.limit};w=${windowMs / 1000}`)
      .join(", "),
    RateLimit: inOrder
      .map((item) => `"${item.policy}";r=${leftOf(item)};t=${wholeSeconds(item.decision.resetSeconds)}`)
      .join(", "),
  };
}

/** Adds the edge's own bounds to those that an inner unit has counted. */
export function addRateFields(headers: Headers, counted: readonly Counted[]): void {
  for (const [name, value] of Object.entries(rateFields(counted))) headers.append(name, value);
}

/** What a refused client is told: when to come back, and which bound it met. */
export function refusalFields(refusing: Counted, others: readonly Counted[] = []): Record<string, string> {
  const seconds = wholeSeconds(refusing.decision.resetSeconds);
  return { "Retry-After": String(seconds), ...rateFields([refusing, ...others]) };
}

const leftOf = ({ decision }: Counted): number => Math.max(0, decision.remaining);
const wholeSeconds = (seconds: number): number => Math.max(1, Math.ceil(seconds));
