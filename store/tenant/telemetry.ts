import type { DeviceId } from "../../core/ids.ts";
import type { TelemetryBucket } from "../../core/rpc/capabilities.ts";
import { type Row, sql } from "../connect.ts";
import { instantColumn, integerColumn, objectColumn } from "./columns.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/**
 * Means of each metric per bucket, oldest first; a bucket without samples is absent, and so is a
 * metric that no sample of a bucket has. The first bucket begins at `fromMs`; `toMs` is outside.
 *
 * Means are computed as `numeric` and leave Postgres inside JSON: a float sum of a device's extreme
 * numbers would overflow, and the device could so make its own history unreadable.
 * How much is read is bounded by the role's statement timeout.
 * @returns null when the actor sees no such device
 */
export async function telemetryMeans(
  database: TenantDatabase,
  device: DeviceId,
  range: { readonly fromMs: number; readonly toMs: number; readonly stepSeconds: number },
): Promise<TelemetryBucket[] | null> {
  const from = new Date(range.fromMs).toISOString();
  const to = new Date(range.toMs).toISOString();
  const [seen, rows] = await database.read(
    sql`SELECT 1 FROM devices WHERE id = ${device}`,
    sql`
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
      ORDER BY counts.bucket`,
  );
  return seen?.length === 1 ? (rows ?? []).map(bucketOf) : null;
}

function bucketOf(row: Row): TelemetryBucket {
  return {
    at: instantColumn(row, "bucket"),
    samples: integerColumn(row, "samples"),
    metrics: objectColumn(row, "metrics") as Record<string, number>,
  };
}
