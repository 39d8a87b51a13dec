import type { DeviceId } from "../../core/ids.ts";
import type { Telemetry, TelemetryBucket } from "../../core/rpc/capabilities.ts";
import { DatabaseError, type Row, type Statement, sql, sqlState } from "../connect.ts";
import { instantColumn, integerColumn, objectColumn } from "./columns.ts";
import {
  planTelemetry,
  retentionMin,
  slotSeconds,
  type TelemetryPlan,
  type TelemetryRange,
  type TelemetryRetention,
} from "./telemetry-resolution.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/**
 * Means of each metric per bucket, oldest first, in the resolution that fits the range; a bucket
 * without samples is absent, and so is a metric that no sample of a bucket has. The first bucket begins
 * at the answer's `from`; its `to` is outside.
 *
 * Sums are `numeric` and means leave Postgres inside JSON: a float sum of a device's extreme numbers
 * would overflow, and the device could so make its own history unreadable. How much is read is bounded
 * by the plan and by the role's statement timeout.
 * @param nowMs Unix milliseconds; decides what is still kept
 * @returns null when the actor sees no such device
 * @throws DatabaseError
 */
export async function telemetryMeans(
  database: TenantDatabase,
  device: DeviceId,
  range: TelemetryRange,
  nowMs: number,
): Promise<Telemetry | null> {
  try {
    return await answer(database, device, await plan(database, range, nowMs));
  } catch (error) {
    // A schema that has no roll-ups yet has all of its samples.
    if (!(error instanceof DatabaseError) || error.code !== sqlState.undefinedTable) throw error;
    return answer(database, device, { ...range, resolution: "raw" });
  }
}

/** Asks for the tenant's retention only if the range begins before what everybody's keeps. */
async function plan(database: TenantDatabase, range: TelemetryRange, nowMs: number): Promise<TelemetryPlan> {
  const least = planTelemetry(range, nowMs, retentionMin);
  const most = planTelemetry(range, nowMs, { rawDays: Infinity, minuteDays: Infinity });
  if (least.resolution === most.resolution) return least;
  const [rows] = await database.read(sql`SELECT raw_days, minute_days FROM telemetry_policy`);
  const [row] = rows ?? [];
  if (row === undefined) throw new Error("the schema has no telemetry policy");
  return planTelemetry(range, nowMs, retentionOf(row));
}

function retentionOf(row: Row): TelemetryRetention {
  return { rawDays: integerColumn(row, "raw_days"), minuteDays: integerColumn(row, "minute_days") };
}

async function answer(database: TenantDatabase, device: DeviceId, planned: TelemetryPlan): Promise<Telemetry | null> {
  const [seen, rows] = await database.read(
    sql`SELECT 1 FROM devices WHERE id = ${device}`,
    planned.resolution === "raw"
      ? rawMeans(device, planned)
      : rolledUpMeans(device, { ...planned, resolution: planned.resolution }),
  );
  if (seen?.length !== 1) return null;
  return {
    from: new Date(planned.fromMs).toISOString(),
    to: new Date(planned.toMs).toISOString(),
    stepSeconds: planned.stepSeconds,
    resolution: planned.resolution,
    buckets: (rows ?? []).map(bucketOf),
  };
}

/** From the samples themselves. */
export function rawMeans(device: DeviceId, range: TelemetryRange): Statement {
  const from = new Date(range.fromMs).toISOString();
  const to = new Date(range.toMs).toISOString();
  return sql`
    WITH samples AS (
      SELECT date_bin(make_interval(secs => ${range.stepSeconds}), at, ${from}::timestamptz) AS bucket, metrics
      FROM telemetry
      WHERE device_id = ${device} AND at >= ${from}::timestamptz AND at < ${to}::timestamptz
    ),
    means AS (
      SELECT samples.bucket, metric.key AS name, avg(metric.value::numeric) AS mean
      FROM samples CROSS JOIN LATERAL jsonb_each(samples.metrics) AS metric
      WHERE jsonb_typeof(metric.value) = 'number'
      GROUP BY samples.bucket, metric.key
    ),
    tables AS (SELECT bucket, jsonb_object_agg(name, mean) AS metrics FROM means GROUP BY bucket),
    counts AS (SELECT bucket, count(*)::integer AS samples FROM samples GROUP BY bucket)
    SELECT counts.bucket, counts.samples, coalesce(tables.metrics, '{}') AS metrics
    FROM counts LEFT JOIN tables USING (bucket)
    ORDER BY counts.bucket`;
}

/**
 * From the roll-ups, but for hours that are marked: those come from their samples, in the same
 * snapshot. So the answer is that of the samples whether or not the job has been by.
 * @param range whole minutes or hours
 */
export function rolledUpMeans(
  device: DeviceId,
  range: TelemetryRange & { readonly resolution: "minute" | "hour" },
): Statement {
  const from = new Date(range.fromMs).toISOString();
  const to = new Date(range.toMs).toISOString();
  const minutes = range.resolution === "minute";
  const table = minutes ? sql`telemetry_minutes` : sql`telemetry_hours`;
  const rowSpan = minutes ? "hour" : "day";
  // The hour that a slot lies in: a row of minutes is one hour, a slot of hours is one.
  const hour = minutes ? sql`rolled.start` : sql`(rolled.start + make_interval(hours => slot.number))`;
  return sql`
    WITH marked AS (
      SELECT hour FROM telemetry_dirty
      WHERE device_id = ${device} AND hour >= date_trunc('hour', ${from}::timestamptz, 'UTC') AND hour < ${to}::timestamptz
    ),
    readings AS (
      SELECT rolled.start + make_interval(secs => slot.number * ${slotSeconds[range.resolution]}::integer) AS at,
        rolled.metric, slot.samples, slot.total
      FROM ${table} rolled
      CROSS JOIN LATERAL unnest(rolled.slots, rolled.counts, rolled.sums) AS slot(number, samples, total)
      WHERE rolled.device_id = ${device} AND rolled.start < ${to}::timestamptz
        AND rolled.start >= date_trunc(${rowSpan}, ${from}::timestamptz, 'UTC')
        AND ${hour} <> ALL (ARRAY(SELECT hour FROM marked))
      UNION ALL
      SELECT sample.at, metric.name, 1, metric.value
      FROM marked
      JOIN telemetry sample ON sample.device_id = ${device}
        AND sample.at >= marked.hour AND sample.at < marked.hour + interval '1 hour'
      CROSS JOIN LATERAL (
        SELECT key AS name, value::numeric AS value FROM jsonb_each(sample.metrics)
        WHERE key <> '' AND jsonb_typeof(value) = 'number'
        UNION ALL SELECT '', NULL
      ) metric
      WHERE sample.at >= ${from}::timestamptz AND sample.at < ${to}::timestamptz
    ),
    means AS (
      SELECT date_bin(make_interval(secs => ${range.stepSeconds}), at, ${from}::timestamptz) AS bucket, metric,
        sum(samples) AS samples, sum(total) / sum(samples) AS mean
      FROM readings WHERE at >= ${from}::timestamptz AND at < ${to}::timestamptz
      GROUP BY bucket, metric
    )
    SELECT bucket, (sum(samples) FILTER (WHERE metric = ''))::integer AS samples,
      coalesce(jsonb_object_agg(metric, mean) FILTER (WHERE metric <> ''), '{}') AS metrics
    FROM means GROUP BY bucket ORDER BY bucket`;
}

function bucketOf(row: Row): TelemetryBucket {
  return {
    at: instantColumn(row, "bucket"),
    samples: integerColumn(row, "samples"),
    metrics: objectColumn(row, "metrics") as Record<string, number>,
  };
}
