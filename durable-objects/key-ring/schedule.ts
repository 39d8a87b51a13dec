/**
 * When keys are made, sign and are forgotten: a pure function of the keys there are and the time,
 * so a test runs years in a moment. A key goes through
 *
 *   made (stored, sealed) → published (others can fetch it) → signs → only verifies → forgotten
 *
 * and signs only after it was published, however late an alarm comes or however long KV is down.
 */
import { accessTokenSecondsMax, certificateSecondsMax, clockSkewSecondsMax } from "../../core/limits.ts";

const dayMs = 24 * 3600_000;

/** A key signs for this long, in milliseconds (JWT signing keys rotate monthly). */
export const keyPeriodMs = 30 * dayMs;

/** A key is published this long before it signs: every cache of the set has gone stale by then. */
export const publishLeadMs = dayMs;

/**
 * A key verifies this long after its last signature: the longest life of what it signs, and the
 * clock skew that verifiers tolerate. Forgetting sooner refuses live tokens; later only widens
 * what a stolen key is good for.
 */
export const verifyAfterMs = (Math.max(accessTokenSecondsMax, certificateSecondsMax) + clockSkewSecondsMax) * 1000;

export interface ScheduledKey {
  readonly kid: string;
  /** Unix milliseconds; null until it was published. */
  readonly signsFromMs: number | null;
}

export interface KeyPlan {
  /** No key waits to sign and the newest has less than the lead left (or there is none at all). */
  readonly make: boolean;
  /** Keys whose every signature has expired. */
  readonly forget: readonly string[];
  /** When to look again, Unix milliseconds. */
  readonly nextMs: number;
}

/**
 * The key that signs now: the newest whose time has come. Before any time has come it is the oldest
 * published one: an object can wake on a machine whose clock is a little behind the last one's.
 * Null before the first was published.
 */
export function signingKey<K extends ScheduledKey>(keys: readonly K[], nowMs: number): K | null {
  let found: K | null = null;
  let foundMs = Number.POSITIVE_INFINITY;
  for (const key of keys) {
    if (key.signsFromMs === null) continue;
    const come = key.signsFromMs <= nowMs;
    const better = foundMs <= nowMs ? come && key.signsFromMs > foundMs : come || key.signsFromMs < foundMs;
    if (!better) continue;
    found = key;
    foundMs = key.signsFromMs;
  }
  return found;
}

/**
 * When a key that was published just now begins to sign: the first at once (nobody has cached a set
 * without it), a later one when its predecessor's period ends, but never before the lead has passed.
 */
export function signsFrom(keys: readonly ScheduledKey[], nowMs: number): number {
  const newest = newestFrom(keys);
  return newest === null ? nowMs : Math.max(newest + keyPeriodMs, nowMs + publishLeadMs);
}

/** What is due for the keys of one purpose. */
export function planKeys(keys: readonly ScheduledKey[], nowMs: number): KeyPlan {
  const newest = newestFrom(keys);
  const unpublished = keys.some((key) => key.signsFromMs === null);
  const makeAtMs = newest === null ? nowMs : newest + keyPeriodMs - publishLeadMs;
  const forget: string[] = [];
  let forgetAtMs = Number.POSITIVE_INFINITY;
  for (const key of keys) {
    const successorMs = successorFrom(keys, key);
    if (successorMs === null) continue;
    const endMs = successorMs + verifyAfterMs;
    if (endMs <= nowMs) forget.push(key.kid);
    else forgetAtMs = Math.min(forgetAtMs, endMs);
  }
  const make = !unpublished && makeAtMs <= nowMs;
  return { make, forget, nextMs: make || unpublished ? nowMs : Math.min(makeAtMs, forgetAtMs) };
}

function newestFrom(keys: readonly ScheduledKey[]): number | null {
  const times = keys.flatMap((key) => (key.signsFromMs === null ? [] : [key.signsFromMs]));
  return times.length === 0 ? null : Math.max(...times);
}

/** When the next younger key takes over from this one. */
function successorFrom(keys: readonly ScheduledKey[], key: ScheduledKey): number | null {
  const from = key.signsFromMs;
  if (from === null) return null;
  const later = keys.flatMap((other) =>
    other.signsFromMs !== null && other.signsFromMs > from ? [other.signsFromMs] : [],
  );
  return later.length === 0 ? null : Math.min(...later);
}
