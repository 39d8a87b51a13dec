/** A checkpoint comes within a minute of an entry; twice that, something holds it up. In milliseconds. */
const lateMs = 120_000;

/** Whether the oldest entry without a signature has waited for longer than it may. */
export function isLate(pendingSince: string | null, nowMs: number): boolean {
  return pendingSince !== null && nowMs - Date.parse(pendingSince) > lateMs;
}
