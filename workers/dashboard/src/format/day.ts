/** Days that members get when nobody says otherwise: two weeks reach those on holiday for one. */
const suggestedDays = 14;
const dayMs = 24 * 3600_000;

const two = (value: number): string => String(value).padStart(2, "0");

/** `2026-03-09` in the browser's zone, for `<input type="date">`; empty for none. */
export function dayOf(iso: string | null): string {
  const ms = iso === null ? Number.NaN : Date.parse(iso);
  if (!Number.isFinite(ms)) return "";
  const date = new Date(ms);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The last second of that day by the browser's own zone, RFC 3339 UTC; null for no day. */
export function endOfDay(day: string): string | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (match === null) return null;
  const date = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]), 23, 59, 59);
  return Number.isFinite(date.getTime()) ? date.toISOString() : null;
}

/** @param nowMs Unix milliseconds */
export function suggestedDay(nowMs: number): string {
  return dayOf(new Date(nowMs + suggestedDays * dayMs).toISOString());
}
