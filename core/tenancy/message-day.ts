/** The day of the quota `messages_a_day`: UTC's, the same for everybody and the same in every hub object. */

const dayMs = 86_400_000;

/** Days since 1970. @param atMs Unix milliseconds */
export function messageDay(atMs: number): number {
  return Math.floor(atMs / dayMs);
}

/** When a day is over and the next one counts from nothing, Unix milliseconds. @param day days since 1970 */
export function dayEndMs(day: number): number {
  return (day + 1) * dayMs;
}
