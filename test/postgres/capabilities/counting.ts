import type { EnrollmentLimitsRpc } from "../../../core/rpc/durable-objects.ts";
import { decide, type Hit, type HitLog } from "../../../durable-objects/rate-limiter/sliding-window.ts";

/** The object's own arithmetic on a list; the object is tested in workerd. @param now Unix milliseconds */
export function countingLimits(now: () => number): EnrollmentLimitsRpc {
  const counts = new Map<string, Hit[]>();
  return {
    async consume(code, perMinute) {
      const hits = counts.get(code) ?? [];
      counts.set(code, hits);
      const log: HitLog = {
        newest: () => hits.at(-1) ?? null,
        firstAfter: (atMs) => hits.find((hit) => hit.atMs > atMs) ?? null,
        get: (n) => hits.find((hit) => hit.n >= n) ?? null,
      };
      const { decision, hits: stored } = decide(log, { limit: perMinute, windowMs: 60_000 }, now());
      hits.push(...stored);
      return decision;
    },
  };
}
