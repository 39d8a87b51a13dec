/**
 * An exact sliding-window log: a request is allowed if fewer than `limit` were allowed in the
 * `windowMs` before it, so no window of that length, wherever it begins, ever holds more.
 * Refused requests leave no trace: hammering on a closed door neither writes nor keeps it closed.
 */
import type { RateDecision } from "../../core/rpc/durable-objects.ts";

/**
 * An allowed request: the `n`-th of its key, at Unix milliseconds. Both only grow. Requests that were
 * counted at once, a block, are two hits: its first and its last. Those between have the same time.
 */
export interface Hit {
  readonly n: number;
  readonly atMs: number;
}

/**
 * One key's log. Numbers are consecutive but for the inside of a block, which enters and leaves a window
 * whole: so counting a window takes two look-ups, not a scan.
 */
export interface HitLog {
  newest(): Hit | null;
  /** The oldest hit later than `atMs`. */
  firstAfter(atMs: number): Hit | null;
  /** The `n`-th hit, or the next one that is there: the last of its block, at the same time. */
  get(n: number): Hit | null;
}

export interface RateRule {
  readonly limit: number;
  readonly windowMs: number;
}

/** What was decided of one or more requests at once. */
export interface Decided {
  /** Of the window after what was granted. Allowed: at least one was. */
  readonly decision: RateDecision;
  /** How many of those asked for were allowed. */
  readonly granted: number;
  /** To be stored: none, one hit, or the first and the last of a block. */
  readonly hits: readonly Hit[];
}

/**
 * Decides `asked` requests at once: as many are allowed as the window has room for.
 * @param nowMs Unix milliseconds. A clock that went back is read as standing still: time that
 *   repeats must not open the window a second time.
 * @param asked at least 1
 */
export function decide(log: HitLog, rule: RateRule, nowMs: number, asked = 1): Decided {
  const { limit, windowMs } = rule;
  const newest = log.newest();
  const atMs = Math.max(nowMs, newest?.atMs ?? nowMs);
  const oldest = log.firstAfter(atMs - windowMs);
  const used = between(oldest, newest);
  const granted = Math.max(0, Math.min(asked, limit - used));
  if (granted > 0) {
    // These are the last to leave, a whole window from now.
    const decision = { allowed: true, limit, remaining: limit - used - granted, resetSeconds: seconds(windowMs) };
    return { decision, granted, hits: block((newest?.n ?? 0) + 1, granted, atMs) };
  }
  // The limit may have been lowered since: then more than the oldest one has to leave first.
  const freeing = used === limit ? oldest : log.get((newest?.n ?? 0) - limit + 1);
  const waitMs = (freeing?.atMs ?? atMs) + windowMs - atMs;
  return { decision: { allowed: false, limit, remaining: 0, resetSeconds: seconds(waitMs) }, granted, hits: [] };
}

/** How many requests the window holds. */
export function usedOf(log: HitLog, { windowMs }: RateRule, nowMs: number): number {
  const newest = log.newest();
  return between(log.firstAfter(Math.max(nowMs, newest?.atMs ?? nowMs) - windowMs), newest);
}

function between(oldest: Hit | null, newest: Hit | null): number {
  return oldest === null || newest === null ? 0 : newest.n - oldest.n + 1;
}

function block(first: number, count: number, atMs: number): readonly Hit[] {
  const hit = { n: first, atMs };
  return count === 1 ? [hit] : [hit, { n: first + count - 1, atMs }];
}

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
