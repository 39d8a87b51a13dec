/**
 * An exact sliding-window log: a request is allowed if fewer than `limit` were allowed in the
 * `windowMs` before it, so no window of that length, wherever it begins, ever holds more.
 * Refused requests leave no trace: hammering on a closed door neither writes nor keeps it closed.
 */
import type { RateDecision } from "../../core/rpc/durable-objects.ts";

/** An allowed request: the `n`-th of its key, at Unix milliseconds. Both only grow. */
export interface Hit {
  readonly n: number;
  readonly atMs: number;
}

/** One key's log. Numbers are consecutive, so counting a window takes two look-ups, not a scan. */
export interface HitLog {
  newest(): Hit | null;
  /** The oldest hit later than `atMs`. */
  firstAfter(atMs: number): Hit | null;
  get(n: number): Hit | null;
}

export interface RateRule {
  readonly limit: number;
  readonly windowMs: number;
}

/**
 * Decides one request.
 * @param nowMs Unix milliseconds. A clock that went back is read as standing still: time that
 *   repeats must not open the window a second time.
 * @returns the answer, and the hit to store when it is allowed
 */
export function decide(log: HitLog, rule: RateRule, nowMs: number): { decision: RateDecision; hit: Hit | null } {
  const { limit, windowMs } = rule;
  const newest = log.newest();
  const atMs = Math.max(nowMs, newest?.atMs ?? nowMs);
  const oldest = log.firstAfter(atMs - windowMs);
  const used = oldest === null || newest === null ? 0 : newest.n - oldest.n + 1;
  if (used < limit) {
    const hit = { n: (newest?.n ?? 0) + 1, atMs };
    // This hit is the last to leave, a whole window from now.
    const resetSeconds = seconds(windowMs);
    return { decision: { allowed: true, limit, remaining: limit - used - 1, resetSeconds }, hit };
  }
  // The limit may have been lowered since: then more than the oldest one has to leave first.
  const freeing = used === limit ? oldest : log.get((newest?.n ?? 0) - limit + 1);
  const waitMs = (freeing?.atMs ?? atMs) + windowMs - atMs;
  return { decision: { allowed: false, limit, remaining: 0, resetSeconds: seconds(waitMs) }, hit: null };
}

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
