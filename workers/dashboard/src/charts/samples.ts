import type { Bucket } from "../api/schemas.ts";

/** One reading or mean, at a time in Unix seconds. */
export interface Reading {
  readonly at: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Live readings kept in the page: at one in five seconds, the hour between two fetches of history twice over. */
export const liveReadingsMax = 1_500;

/** Adds a live reading; one of a time already known is the same one sent again. Keeps the order. */
export function addReading(readings: readonly Reading[], reading: Reading): readonly Reading[] {
  const last = readings.at(-1);
  if (last === undefined || reading.at > last.at) return [...readings, reading].slice(-liveReadingsMax);
  if (readings.some(({ at }) => at === reading.at)) return readings;
  return [...readings, reading].sort((a, b) => a.at - b.at).slice(-liveReadingsMax);
}

export function fromBuckets(buckets: readonly Bucket[]): Reading[] {
  const readings: Reading[] = [];
  for (const { at, metrics } of buckets) {
    const ms = Date.parse(at);
    if (Number.isFinite(ms)) readings.push({ at: ms / 1000, metrics });
  }
  return readings.sort((a, b) => a.at - b.at);
}

/** History up to its end, then what has been heard since; nothing before `from` (Unix seconds). */
export function mergeReadings(history: readonly Reading[], live: readonly Reading[], from: number): Reading[] {
  const end = history.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
  return [...history, ...live.filter(({ at }) => at > end)].filter(({ at }) => at >= from);
}

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
export function toColumns(readings: readonly Reading[], metrics: readonly string[], gapSeconds: number): Columns {
  const at: number[] = [];
  const values: (number | null)[][] = metrics.map(() => []);
  for (const reading of readings) {
    const before = at.at(-1);
    if (before !== undefined && reading.at - before > gapSeconds) {
      at.push(before + gapSeconds / 2);
      for (const column of values) column.push(null);
    }
    at.push(reading.at);
    for (const [index, metric] of metrics.entries()) values[index]?.push(reading.metrics[metric] ?? null);
  }
  return { at, values };
}

export interface Summary {
  readonly points: number;
  readonly latest: number | null;
  readonly lowest: number | null;
  readonly mean: number | null;
  readonly highest: number | null;
}

/** What a column says in words, for people who can't see the drawing. */
export function summarize(column: readonly (number | null)[]): Summary {
  const known = column.filter((value) => value !== null);
  if (known.length === 0) return { points: 0, latest: null, lowest: null, mean: null, highest: null };
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (const value of known) {
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
    sum += value;
  }
  return { points: known.length, latest: known.at(-1) ?? null, lowest, mean: sum / known.length, highest };
}
