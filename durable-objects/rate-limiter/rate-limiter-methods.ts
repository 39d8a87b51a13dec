import type { RateAttempt, RateLease, RateVerdict } from "../../core/rpc/durable-objects.ts";
import type { RateRule } from "./sliding-window.ts";

/** One count of one client. Made by `findCounters`, which also validated the rule. */
export interface Counter {
  /** A digest. */
  readonly key: string;
  readonly rule: RateRule;
}

/** What `Limits` calls on a RateLimiter object. */
export interface RateLimiterMethods {
  /** Counts one request under all counters or under none. */
  consume(counters: readonly Counter[]): Promise<RateVerdict>;
  /** Counts up to `permits` requests at once, as many as the window has room for. */
  lease(counter: Counter, permits: number): Promise<RateLease>;
  /** How many the window holds; it counts nothing. */
  used(counter: Counter): Promise<number>;
  /** Takes a place of the window, to be settled. */
  attempt(counter: Counter): Promise<RateAttempt>;
  /** Gives the place back (not missed), or leaves it taken. */
  settle(counter: Counter, attempt: string, missed: boolean): Promise<void>;
}
