/** A dash for what is not known, so that a column stays a column. */
export declare const unknown = "\u2014";
/** Bytes in units of 1,000, three significant digits: `6.42 GB`. */
export declare function formatBytes(bytes: number): string;
/** `12.3%`, without a decimal from 100 on. */
export declare function formatPercent(value: number): string;
/** The two largest units: `3 d 4 h`, `5 min 12 s`. */
export declare function formatDuration(seconds: number): string;
/** A round trip: whole milliseconds below a second, else seconds. */
export declare function formatMilliseconds(ms: number): string;
/** At most three decimals, grouped by thousands. */
export declare function formatNumber(value: number): string;
