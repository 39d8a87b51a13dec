import type { RateDecision, RateLease } from "../../core/rpc/durable-objects.ts";
import type { RateRule } from "./sliding-window.ts";

/** What `Limits` calls on a RateLimiter object. */
export interface RateLimiterMethods {
  /**
   * Counts one request.
   * @param key a digest made by `Limits`, which also validated `rule`
   */
  consume(key: string, rule: RateRule): Promise<RateDecision>;
  /**
   * Counts up to `permits` requests at once, as many as the window has room for.
   * @param key as of `consume`
   */
  lease(key: string, rule: RateRule, permits: number): Promise<RateLease>;
}
