import { type RateClass, rateLimitMax, rateLimits, rateWindowMs } from "../../../core/limits.ts";
import type { RouteName } from "../../../core/routes.ts";
import type { RateDecision } from "../../../core/rpc/durable-objects.ts";
import type { Additions, Gate, GateResult, RequestContext } from "./gate.ts";
import { remoteDeadlineMs } from "./gate.ts";
import { permitMs } from "./permits.ts";

/** `/healthz` says that the edge alone runs: it must not hang on an object. The flood gate bounds it. */
const uncountedRoutes: ReadonlySet<RouteName> = new Set<RouteName>(["health"]);

/**
 * Guessing is limited by where it comes from, whoever is signed in: an account of one's own must not buy
 * more guesses at another's.
 */
const guessableClasses: ReadonlySet<RateClass> = new Set<RateClass>(["sign_in", "enrollment"]);

/**
 * Counted in blocks: after an outage a school's devices all come back at once, and one count each would
 * cost more than anything else of their upgrades.
 */
const blockClasses: ReadonlySet<RateClass> = new Set<RateClass>(["mqtt_connect"]);

/** The exact count, kept by one object per key. An object that does not answer refuses. */
export const limitGate: Gate<"credential", "rate"> = {
  name: "limit",
  appliesTo: "known_route",
  needs: ["credential"],
  adds: ["rate"],
  deadlineMs: remoteDeadlineMs,
  async judge(context): Promise<GateResult<Pick<Additions, "rate">>> {
    const { resolution, isolate } = context;
    if (resolution.kind === "miss") throw new Error("a miss reached the limit gate");
    const { name, route } = resolution.match;
    if (uncountedRoutes.has(name)) return { kind: "allow", adds: { rate: null } };
    const policy = route.rateClass;
    const limit = Math.min(rateLimitMax, Math.floor(rateLimits[policy] * isolate.limitScale));
    const decision = await count(policy, limitKey(policy, context), limit, context);
    const rate = { policy, windowMs: rateWindowMs, decision };
    if (decision.allowed) return { kind: "allow", adds: { rate } };
    return {
      kind: "deny",
      code: "rate_limited",
      headers: { "Retry-After": String(wholeSeconds(decision.resetSeconds)), ...rateHeaders(rate) },
    };
  },
};

async function count(
  policy: RateClass,
  key: string,
  limit: number,
  { isolate, env }: RequestContext,
): Promise<RateDecision> {
  if (!blockClasses.has(policy)) return await env.LIMITS.consume(key, limit, rateWindowMs);
  // A permit may be used that much later than it was counted, so the window is that much longer.
  const windowMs = rateWindowMs + permitMs;
  return await isolate.permits.take(key, (permits) => env.LIMITS.lease(key, limit, windowMs, permits));
}

/**
 * Who is counted: the person in their organisation, and before anybody is known the address. A device's
 * token is no name yet: only the hub can verify it, so counting by it would give whoever makes up a
 * new one for each upgrade a new allowance each time.
 */
export function limitKey(
  policy: RateClass,
  { credential, resolution, client }: Pick<RequestContext, "resolution" | "client"> & Pick<Additions, "credential">,
): string {
  const guessing = guessableClasses.has(policy);
  if (credential.kind === "user" && !guessing) return `${policy}:user:${credential.user}:${credential.org ?? "-"}`;
  // One account can be guessed at under every organisation's address, so sign-ins share one count.
  const org = resolution.kind === "route" && policy !== "sign_in" ? resolution.org?.org : undefined;
  return `${policy}:address:${client.key}:${org ?? "-"}`;
}

/** draft-ietf-httpapi-ratelimit-headers: quota, window, what is left and seconds until it is full again. */
export function rateHeaders(rate: {
  readonly policy: string;
  readonly windowMs: number;
  readonly decision: RateDecision;
}): Record<string, string> {
  const { limit, remaining, resetSeconds } = rate.decision;
  return {
    "RateLimit-Policy": `"${rate.policy}";q=${limit};w=${rate.windowMs / 1000}`,
    RateLimit: `"${rate.policy}";r=${Math.max(0, remaining)};t=${wholeSeconds(resetSeconds)}`,
  };
}

const wholeSeconds = (seconds: number): number => Math.max(1, Math.ceil(seconds));
