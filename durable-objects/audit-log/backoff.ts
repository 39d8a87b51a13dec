/** First wait after a failure, in milliseconds. */
export const backoffMsMin = 1000;
/** Longest wait: Postgres that comes back is noticed within five minutes. */
export const backoffMsMax = 5 * 60_000;

/**
 * How long to wait after the `tries`-th failure in a row: doubling, capped, jittered over its upper
 * half so that thousands of logs do not all come back in the same second.
 * @param random 0 ≤ random < 1
 */
export function backoffMs(tries: number, random: number): number {
  const full = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(tries - 1, 20));
  return Math.round(full * (0.5 + random / 2));
}
