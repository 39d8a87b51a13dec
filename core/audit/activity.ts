/** How many events of which type came to what, over the last hours or days: what a chart of a log shows. */
import type { AuditType } from "./events.ts";
import type { AuditOutcome } from "./facets.ts";

/** Days that can be asked for. One is shown by hours, more by days. */
export const activityDays = [1, 7, 30] as const;
export type ActivityDays = (typeof activityDays)[number];

/** How far the clocks of the world are from UTC, in minutes, and what their distances are multiples of. */
export const zoneMinutes = { min: -12 * 60, max: 14 * 60, step: 15 } as const;

const hourMs = 3600_000;
const dayMs = 24 * hourMs;

export interface ActivityQuery {
  readonly days: ActivityDays;
  /** Minutes that the reader's clock is ahead of UTC: where their days begin. */
  readonly zone: number;
}

export interface ActivityCount {
  /** Start of an hour or day, Unix milliseconds. */
  readonly atMs: number;
  readonly type: AuditType;
  readonly outcome: AuditOutcome;
  readonly count: number;
}

export interface Activity {
  /** Start of the first hour or day. */
  readonly fromMs: number;
  readonly stepMs: number;
  /** Hours or days. */
  readonly steps: number;
  /** What is not among them did not happen. */
  readonly counts: readonly ActivityCount[];
  /** False while a log from before there were counts is being counted. */
  readonly complete: boolean;
}

/** The hours or days of a query: the last is the one that `nowMs` is in. */
export function stepsOf({ days, zone }: ActivityQuery, nowMs: number): Pick<Activity, "fromMs" | "stepMs" | "steps"> {
  const [stepMs, steps] = days === 1 ? [hourMs, 24] : [dayMs, days];
  const zoneMs = zone * 60_000;
  const lastMs = Math.floor((nowMs + zoneMs) / stepMs) * stepMs - zoneMs;
  return { fromMs: lastMs - (steps - 1) * stepMs, stepMs, steps };
}
