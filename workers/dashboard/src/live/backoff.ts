/** First wait's upper bound, in milliseconds: a lost socket is usually back at once. */
export const backoffFirstMs = 1_000;
/** Longest wait: a page left open finds its way back within half a minute. */
export const backoffLongestMs = 30_000;
/** A connection that lasted this long was a good one; the next loss starts from the beginning. */
export const stableAfterMs = 60_000;

/**
 * Full jitter: uniform between 0 and an exponentially growing bound, so that pages that lost the
 * same server don't come back together.
 * @param attempt 0 for the first retry
 * @param random uniform in [0, 1)
 * @returns milliseconds to wait
 */
export function backoffMs(attempt: number, random: () => number): number {
  const bound = Math.min(backoffLongestMs, backoffFirstMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random() * bound);
}
