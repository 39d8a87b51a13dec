/** Local time, with the same instant in UTC for the title. */
export function formatInstant(iso: string): { readonly local: string; readonly utc: string } | null {
  const ms = Date.parse(iso);
  if (!Number.isFinite(ms)) return null;
  const date = new Date(ms);
  const local = new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).format(date);
  return { local, utc: `${date.toISOString().slice(0, 19).replace("T", " ")} UTC` };
}

/** `just now`, `4 min ago`, `in 2 h`; whole units, rounded towards now. */
export function formatRelative(ms: number, nowMs: number): string {
  const seconds = Math.floor(Math.abs(nowMs - ms) / 1000);
  if (seconds < 5) return "just now";
  const text = largestUnit(seconds);
  return ms > nowMs ? `in ${text}` : `${text} ago`;
}

function largestUnit(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  const days = Math.floor(seconds / 86_400);
  return days === 1 ? "1 day" : `${days} days`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const clockSeconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Axis labels: local time of day, with seconds when ticks are closer than a minute. */
export function formatClock(unixSeconds: number, stepSeconds: number): string {
  return (stepSeconds < 60 ? clockSeconds : clock).format(new Date(unixSeconds * 1000));
}
