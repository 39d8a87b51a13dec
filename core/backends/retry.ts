/** When a call to a backend is made again, and how long is waited before. */
import type { BackendMethod } from "./backend-route.ts";

/** The first pause lies between nothing and this, each further one between nothing and twice as much. Milliseconds. */
const firstPauseMs = 100;
/** A try with less time than this is none: a handshake takes as long. Milliseconds. */
export const tryMsMin = 50;

/** Methods that may be repeated by what they mean (RFC 9110 §9.2.2). */
const idempotentMethods: ReadonlySet<BackendMethod> = new Set<BackendMethod>(["GET", "PUT", "DELETE"]);

/**
 * Whether doing it twice is doing it once.
 * @param keyHonoured the request carries an Idempotency-Key, and the backend has promised to heed it
 */
export const mayRepeat = (method: BackendMethod, keyHonoured: boolean): boolean =>
  idempotentMethods.has(method) || keyHonoured;

/** Answers that say "not now": the request was not worked on, or by somebody who did not finish (RFC 9110 §15.6). */
export const isPassing = (status: number): boolean => status === 502 || status === 503 || status === 504;

/**
 * The pause before another try: full jitter, so that callers who failed together don't come back together.
 * @param triesMade 1 or more
 * @param random 0 ≤ r < 1
 * @param retryAfterMs what the backend asked for; 0: nothing
 * @param leftMs until the call's deadline
 * @returns null when there is no time for one
 */
export function pauseBeforeRetry(
  triesMade: number,
  random: number,
  retryAfterMs: number,
  leftMs: number,
): number | null {
  const pauseMs = Math.max(retryAfterMs, Math.floor(random * firstPauseMs * 2 ** (triesMade - 1)));
  return pauseMs + tryMsMin <= leftMs ? pauseMs : null;
}

/** Reads `Retry-After` in seconds; a date, or what is none, is no wish. @returns milliseconds */
export function retryAfterMs(field: string | null): number {
  return field !== null && /^\d{1,4}$/.test(field) ? Number(field) * 1000 : 0;
}
