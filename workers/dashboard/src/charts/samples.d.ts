import type { Bucket } from "../api/schemas.ts";
/** One reading or mean, at a time in Unix seconds. */
export interface Reading {
    readonly at: number;
    readonly metrics: Readonly<Record<string, number>>;
}
/** Live readings kept in the page: at one in five seconds, the hour between two fetches of history twice over. */
export declare const liveReadingsMax = 1500;
/** Adds a live reading; one of a time already known is the same one sent again. Keeps the order. */
export declare function addReading(readings: readonly Reading[], reading: Reading): readonly Reading[];
export declare function fromBuckets(buckets: readonly Bucket[]): Reading[];
/** History up to its end, then what has been heard since; nothing before `from` (Unix seconds). */
export declare function mergeReadings(history: readonly Reading[], live: readonly Reading[], from: number): Reading[];
export interface Columns {
    /** Unix seconds, ascending. */
    readonly at: number[];
    /** One column per metric; null where there is none, which breaks the line. */
    readonly values: (number | null)[][];
}
/**
 * Columns for drawing. Where two readings are further apart than `gapSeconds`, the line breaks, so
 * that a silence does not look like a straight line.
 */
export declare function toColumns(readings: readonly Reading[], metrics: readonly string[], gapSeconds: number): Columns;
export interface Summary {
    readonly points: number;
    readonly latest: number | null;
    readonly lowest: number | null;
    readonly mean: number | null;
    readonly highest: number | null;
}
/** What a column says in words, for people who can't see the drawing. */
export declare function summarize(column: readonly (number | null)[]): Summary;
