import { useSyncExternalStore } from "react";
import { unknown } from "../format/numbers.ts";
import { formatInstant, formatRelative } from "../format/time.ts";

const tickMs = 5_000;
let nowMs = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    nowMs = Date.now();
    for (const each of listeners) each();
  }, tickMs);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time, anew every five seconds; one clock for the whole page. Unix milliseconds. */
export function useNow(): number {
  return useAsOfNow((ms) => ms);
}

/** What `of` makes of that time: whoever asks is drawn anew only when it comes out different. */
export function useAsOfNow<T extends string | number>(of: (nowMs: number) => T): T {
  return useSyncExternalStore(subscribe, () => of(nowMs));
}

/** An instant in local time (or as a distance from now), with UTC in its title. */
export function Timestamp({ at, relative = false }: { readonly at: string | null; readonly relative?: boolean }) {
  const now = useNow();
  const instant = at === null ? null : formatInstant(at);
  if (at === null || instant === null) return <span className="text-kumo-subtle">{unknown}</span>;
  // Between two ticks the page's clock is behind: what has just happened is not in the future.
  const ms = Date.parse(at);
  const text = relative ? formatRelative(ms, ms > now && ms - now < 2 * tickMs ? ms : now) : instant.local;
  return (
    <time
      dateTime={at}
      title={relative ? `${instant.local} · ${instant.utc}` : instant.utc}
      className="tabular whitespace-nowrap"
    >
      {text}
    </time>
  );
}
