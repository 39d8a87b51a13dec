import type { TelemetryResolution } from "../../core/rpc/capabilities.ts";

export interface TelemetryRange {
  /** Unix milliseconds. */
  readonly fromMs: number;
  /** Outside. */
  readonly toMs: number;
  readonly stepSeconds: number;
}

/** For how many days what is kept. */
export interface TelemetryRetention {
  readonly rawDays: number;
  readonly minuteDays: number;
}

/** No tenant's policy keeps less (checks of telemetry_policy), so a younger range needs no look at it. */
export const retentionMin: TelemetryRetention = { rawDays: 7, minuteDays: 60 };

/** What a range is answered from, and the range as it is then answered. */
export interface TelemetryPlan extends TelemetryRange {
  readonly resolution: TelemetryResolution;
}

/** A sample a second makes 10,800 of this: still some tens of milliseconds. */
export const rawRangeMsMax = 3 * 3600_000;

/** The end of the year 9999, beyond which RFC 3339 can't write a time. */
export const instantMsMax = 253_402_300_799_999;

/** Seconds of one slot of each roll-up. */
export const slotSeconds = { minute: 60, hour: 3600 } as const;
const dayMs = 86_400_000;

/**
 * Picks the coarsest source that answers a range in its own steps:
 * - samples for up to three hours, and for steps below a minute;
 * - hours where the step is whole hours; minutes otherwise;
 * - what is not kept any more gives way to the next coarser one, which then is the shortest step.
 *
 * From a roll-up, the range grows to whole minutes or hours: a roll-up can't be divided. With a step
 * that is no whole number of minutes, a minute belongs to the bucket in which it begins.
 */
export function planTelemetry(range: TelemetryRange, nowMs: number, kept: TelemetryRetention): TelemetryPlan {
  const { fromMs, toMs, stepSeconds } = range;
  const resolution = keptResolution(finestNeeded(range), nowMs - fromMs, kept);
  if (resolution === "raw") return { resolution, fromMs, toMs, stepSeconds };
  const slotMs = slotSeconds[resolution] * 1000;
  return {
    resolution,
    fromMs: Math.floor(fromMs / slotMs) * slotMs,
    toMs: Math.min(Math.ceil(toMs / slotMs) * slotMs, instantMsMax),
    stepSeconds: Math.max(stepSeconds, slotSeconds[resolution]),
  };
}

function finestNeeded({ fromMs, toMs, stepSeconds }: TelemetryRange): TelemetryResolution {
  if (stepSeconds < slotSeconds.minute || toMs - fromMs <= rawRangeMsMax) return "raw";
  return stepSeconds % slotSeconds.hour === 0 ? "hour" : "minute";
}

function keptResolution(wanted: TelemetryResolution, ageMs: number, kept: TelemetryRetention): TelemetryResolution {
  const days = ageMs / dayMs;
  if (wanted === "raw" && days <= kept.rawDays) return "raw";
  return wanted !== "hour" && days <= kept.minuteDays ? "minute" : "hour";
}
