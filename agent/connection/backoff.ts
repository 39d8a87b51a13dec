/**
 * When to try again. Full jitter (uniform from nothing to an exponential ceiling), so that a
 * school's devices don't come back in step after an outage. Pure.
 */

export const backoffBaseMs = 1_000;
/** Five minutes: the longest a device stays away after the service is back. */
export const backoffCapMs = 5 * 60_000;
/** A connection that lasted this long shows that the trouble is over; a shorter one doesn't. */
export const stableMsMin = 60_000;

/**
 * @param attempt failures in a row, from 0
 * @param random uniform in [0, 1)
 * @param retryAfterMs what the server asked for, or null: never earlier than that, and up to half as
 * much later, because it asked everybody for the same
 * @returns milliseconds to wait
 */
export function nextDelay(attempt: number, random: number, retryAfterMs: number | null = null): number {
  // 2^30 is far beyond the cap; the bound keeps the power finite.
  const ceiling = Math.min(backoffCapMs, backoffBaseMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random * ceiling + (retryAfterMs ?? 0) * (1 + random / 2));
}

/**
 * The server knows this device and won't have it (or its network): only a person can change that,
 * so wait around the cap, in the upper half of it.
 */
export function refusedDelay(random: number): number {
  return Math.floor(backoffCapMs * (0.5 + random / 2));
}

/** Failures in a row after a connection ended. @param connectedMs how long it had been up, null if never */
export function attemptsAfter(attempt: number, connectedMs: number | null): number {
  return connectedMs !== null && connectedMs >= stableMsMin ? 0 : attempt + 1;
}
