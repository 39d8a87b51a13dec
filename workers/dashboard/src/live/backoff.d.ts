/** First wait's upper bound, in milliseconds: a lost socket is usually back at once. */
export declare const backoffFirstMs = 1000;
/** Longest wait: a page left open finds its way back within half a minute. */
export declare const backoffLongestMs = 30000;
/** A connection that lasted this long was a good one; the next loss starts from the beginning. */
export declare const stableAfterMs = 60000;
/**
 * Full jitter: uniform between 0 and an exponentially growing bound, so that pages that lost the
 * same server don't come back together.
 * @param attempt 0 for the first retry
 * @param random uniform in [0, 1)
 * @returns milliseconds to wait
 */
export declare function backoffMs(attempt: number, random: () => number): number;
