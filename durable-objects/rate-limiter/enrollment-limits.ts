import { WorkerEntrypoint } from "cloudflare:workers";
import { type EnrollmentCodeId, parseId } from "../../core/ids.ts";
import { rateWindowMs } from "../../core/limits.ts";
import type { EnrollmentLimitsRpc, RateDecision } from "../../core/rpc/durable-objects.ts";
import type { Env } from "../env.ts";
import { findCounter } from "./find-counters.ts";

/**
 * Devices that enrol with one code, for capabilities: there the code is known to be a code. The policy's name is
 * written here and is no argument, so whoever holds the binding can count codes and nobody else.
 */
export class EnrollmentLimits extends WorkerEntrypoint<Env> implements EnrollmentLimitsRpc {
  /** @throws RangeError for what is no code, or a number that no code allows */
  async consume(code: EnrollmentCodeId, perMinute: number): Promise<RateDecision> {
    if (parseId("enrollmentCode", code) === null) throw new RangeError("no such code");
    const policy = { policy: "enrollment_code", limit: perMinute, windowMs: rateWindowMs };
    const { limiter, counter } = await findCounter(this.env, `code:${code}`, policy);
    return (await limiter.lease(counter, 1)).decision;
  }
}
