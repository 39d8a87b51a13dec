/** Rows of exports, page by page in an order that never changes. Row-level security chooses whose. */
import { exportRowsMax } from "../../core/exports/job.ts";
import type { DeviceId, DocumentId } from "../../core/ids.ts";
import { type Row, type Statement, sql } from "../connect.ts";
import {
  booleanColumn,
  idColumn,
  idsColumn,
  instantColumn,
  instantOrNullColumn,
  integerColumn,
  objectColumn,
  textColumn,
} from "./columns.ts";
import { activeColumn } from "./documents.ts";
import type { TenantDatabase } from "./tenant-database.ts";

/** Unix milliseconds as a timestamptz parameter. */
const instant = (ms: number): string => new Date(ms).toISOString();

export interface ExportPage {
  readonly limit: number;
  /** Unix milliseconds: what came later is not in it. */
  readonly asOfMs: number;
}

const inventoryOf = (asOfMs: number): Statement =>
  sql`devices d WHERE d.enrolled_at <= ${instant(asOfMs)}::timestamptz`;

/** `groups` are those that the actor may see. */
export async function inventoryRows(database: TenantDatabase, page: ExportPage & { readonly after: string | null }) {
  const [rows] = await database.read(sql`
    SELECT d.id, d.name, d.platform, d.enrolled_at, d.last_seen_at, d.online,
      ARRAY(SELECT g.group_id FROM group_devices g WHERE g.device_id = d.id ORDER BY g.group_id) AS groups
    FROM ${inventoryOf(page.asOfMs)} AND (${page.after}::text IS NULL OR d.id > ${page.after})
    ORDER BY d.id LIMIT ${page.limit}`);
  return (rows ?? []).map((row) => ({
    id: idColumn("device", row, "id"),
    name: textColumn(row, "name"),
    platform: textColumn(row, "platform"),
    enrolledAt: instantColumn(row, "enrolled_at"),
    lastSeenAt: instantOrNullColumn(row, "last_seen_at"),
    online: booleanColumn(row, "online"),
    groups: idsColumn("group", row, "groups"),
  }));
}

/** Those in use. @param ids null: all */
const documentsOf = (ids: readonly DocumentId[] | null, asOfMs: number): Statement => sql`
  documents d JOIN document_versions v ON v.id = d.current_version
  WHERE d.deleted_at IS NULL AND d.created_at <= ${instant(asOfMs)}::timestamptz
    AND (${ids}::text[] IS NULL OR d.id = ANY (${ids}::text[]))`;

export async function documentRows(
  database: TenantDatabase,
  ids: readonly DocumentId[] | null,
  page: ExportPage & { readonly after: string | null },
) {
  const [rows] = await database.read(sql`
    SELECT d.id, d.name, d.owner_id, d.created_at, d.updated_at, v.number,
      v.size_bytes::double precision AS size_bytes, v.media_type, ${activeColumn}, v.created_by, v.completed_at
    FROM ${documentsOf(ids, page.asOfMs)} AND (${page.after}::text IS NULL OR d.id > ${page.after})
    ORDER BY d.id LIMIT ${page.limit}`);
  return (rows ?? []).map((row) => ({
    id: idColumn("document", row, "id"),
    name: textColumn(row, "name"),
    owner: idColumn("user", row, "owner_id"),
    createdAt: instantColumn(row, "created_at"),
    updatedAt: instantColumn(row, "updated_at"),
    version: integerColumn(row, "number"),
    sizeBytes: integerColumn(row, "size_bytes"),
    mediaType: textColumn(row, "media_type"),
    active: booleanColumn(row, "active"),
    versionBy: idColumn("user", row, "created_by"),
    versionAt: instantColumn(row, "completed_at"),
  }));
}

export interface TelemetrySelection {
  /** Null: of every device that the actor sees. */
  readonly devices: readonly DeviceId[] | null;
  /** Unix milliseconds; the first inclusive, the second not. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/** A sample's place in the order of a telemetry export. `at`: as Postgres writes it, to the microsecond. */
export interface SamplePlace {
  readonly device: string;
  readonly at: string;
  readonly sample: string;
}

const selected = ({ devices, fromMs, toMs }: TelemetrySelection, asOfMs: number): Statement => sql`
  WHERE t.received_at <= ${instant(asOfMs)}::timestamptz
    AND (${devices}::text[] IS NULL OR t.device_id = ANY (${devices}::text[]))
    AND t.at >= ${fromMs === null ? "-infinity" : instant(fromMs)}::timestamptz
    AND t.at < ${toMs === null ? "infinity" : instant(toMs)}::timestamptz`;

export async function telemetrySamples(
  database: TenantDatabase,
  selection: TelemetrySelection,
  page: ExportPage & { readonly after: SamplePlace | null },
) {
  const behind =
    page.after === null
      ? sql``
      : sql`AND (t.device_id, t.at, t.sample_id) > (${page.after.device}::text, ${page.after.at}::timestamptz, ${page.after.sample}::text)`;
  const [rows] = await database.read(sql`
    SELECT t.device_id, t.sample_id, t.at, t.at::text AS at_text, t.received_at, t.metrics
    FROM telemetry t ${selected(selection, page.asOfMs)} ${behind}
    ORDER BY t.device_id, t.at, t.sample_id LIMIT ${page.limit}`);
  return (rows ?? []).map((row) => ({
    place: {
      device: textColumn(row, "device_id"),
      at: textColumn(row, "at_text"),
      sample: textColumn(row, "sample_id"),
    },
    at: instantColumn(row, "at"),
    receivedAt: instantColumn(row, "received_at"),
    metrics: objectColumn(row, "metrics"),
  }));
}

/** One more than there may be is enough to know that there are too many. */
const countedMax = exportRowsMax + 1;

export async function countInventory(database: TenantDatabase, asOfMs: number): Promise<number> {
  return await counted(database, sql`SELECT count(*)::integer AS count FROM ${inventoryOf(asOfMs)}`);
}
export async function countDocuments(
  database: TenantDatabase,
  ids: readonly DocumentId[] | null,
  asOfMs: number,
): Promise<number> {
  return await counted(database, sql`SELECT count(*)::integer AS count FROM ${documentsOf(ids, asOfMs)}`);
}
/** Bytes of their current versions. */
export async function sumDocuments(
  database: TenantDatabase,
  ids: readonly DocumentId[] | null,
  asOfMs: number,
): Promise<number> {
  const [rows] = await database.read(
    sql`SELECT coalesce(sum(v.size_bytes), 0)::double precision AS bytes FROM ${documentsOf(ids, asOfMs)}`,
  );
  return integerColumn(rows?.[0] ?? {}, "bytes");
}
/** Readings: each metric of each sample. */
export async function countTelemetry(
  database: TenantDatabase,
  selection: TelemetrySelection,
  asOfMs: number,
): Promise<number> {
  return await counted(
    database,
    sql`SELECT count(*)::integer AS count FROM (
      SELECT FROM telemetry t CROSS JOIN LATERAL jsonb_object_keys(t.metrics) ${selected(selection, asOfMs)} LIMIT ${countedMax}) counted`,
  );
}

async function counted(database: TenantDatabase, statement: Statement): Promise<number> {
  const [rows] = await database.read(statement);
  const [row]: readonly Row[] = rows ?? [];
  if (row === undefined) throw new Error("a count has no row");
  return integerColumn(row, "count");
}
