/** Local time, with the same instant in UTC for the title. */
export declare function formatInstant(iso: string): {
    readonly local: string;
    readonly utc: string;
} | null;
/** `just now`, `4 min ago`, `in 2 h`; whole units, rounded towards now. */
export declare function formatRelative(ms: number, nowMs: number): string;
/** Axis labels: local time of day, with seconds when ticks are closer than a minute. */
export declare function formatClock(unixSeconds: number, stepSeconds: number): string;
