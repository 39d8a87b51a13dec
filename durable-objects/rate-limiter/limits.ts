import { WorkerEntrypoint } from "cloudflare:workers";
import type { LimitsRpc, RateAttempt, RateLease, RatePolicy, RateVerdict } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import { findCounter, findCounters } from "./find-counters.ts";

/** Most requests counted at once; the edge asks for far fewer. */
export const permitsMax = 256;
/** Characters of an attempt's name, a UUID. */
const attemptPattern = /^[0-9a-f-]{36}$/;

/**
 * Exact counting, for the edge. It carries no assertion: nobody is known yet when the edge counts,
 * the binding is the authority, and the edge alone holds it. All it can do is count.
 */
export class Limits extends WorkerEntrypoint<Env> implements LimitsRpc {
  /** @throws RangeError for arguments that no rate class has */
  async consume(client: string, policies: readonly RatePolicy[]): Promise<RateVerdict> {
    const { limiter, counters } = await findCounters(this.env, client, policies);
    return await limiter.consume(counters);
  }

  /** @throws RangeError for arguments that no rate class has */
  async lease(client: string, policy: RatePolicy, permits: number): Promise<RateLease> {
    if (!Number.isSafeInteger(permits) || permits < 1 || permits > permitsMax) {
      throw new RangeError(`permits are 1 to ${permitsMax}`);
    }
    const { limiter, counter } = await findCounter(this.env, client, policy);
    return await limiter.lease(counter, permits);
  }

  /** @throws RangeError for arguments that no rate class has */
  async attempt(client: string, policy: RatePolicy): Promise<RateAttempt> {
    const { limiter, counter } = await findCounter(this.env, client, policy);
    return await limiter.attempt(counter);
  }

  /** @throws RangeError for arguments that no rate class has */
  async settle(client: string, policy: RatePolicy, attempt: string, missed: boolean): Promise<void> {
    if (typeof attempt !== "string" || !attemptPattern.test(attempt)) throw new RangeError("no such attempt");
    const { limiter, counter } = await findCounter(this.env, client, policy);
    await limiter.settle(counter, attempt, missed === true);
  }
}
