/** How old a provider's key is, in words, and when somebody is told. */

const dayMs = 86_400_000;

export const keyStates = ["good", "soon", "due", "blocked"] as const;
/** `soon`: it is due within a week, long enough to get to whoever holds the provider's console. */
export type KeyState = (typeof keyStates)[number];

/** When a key is due, and when it stops being used (`keyTimes`); Unix milliseconds. */
export interface KeyTimes {
  readonly dueMs: number;
  readonly blockedMs: number;
}

export function keyState({ dueMs, blockedMs }: KeyTimes, nowMs: number): KeyState {
  if (nowMs >= blockedMs) return "blocked";
  if (nowMs >= dueMs) return "due";
  return nowMs >= dueMs - 7 * dayMs ? "soon" : "good";
}

export const keyReminders = ["week", "day", "blocked"] as const;
/** What people are mailed of a key: a week before it is due, a day before, and once it is not used any more. */
export type KeyReminder = (typeof keyReminders)[number];

/**
 * The one that is due now: the last, where the clock was away for some; null: none.
 * A key that is due and still used for its days of grace is the day's, for whoever was not told by then.
 */
export function keyReminder({ dueMs, blockedMs }: KeyTimes, nowMs: number): KeyReminder | null {
  if (nowMs >= blockedMs) return "blocked";
  if (nowMs >= dueMs - dayMs) return "day";
  return nowMs >= dueMs - 7 * dayMs ? "week" : null;
}
