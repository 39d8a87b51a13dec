import { z } from "@hono/zod-openapi";
import { destinationKinds } from "../../../../core/exports/destination.ts";
import {
  type ExportSpec,
  exportFormats,
  exportSources,
  exportStates,
  exportThingsMax,
  formatsOf,
} from "../../../../core/exports/job.ts";
import type { ExportRow } from "../../../../store/control/exports.ts";
import { idOf, idText, instant, role } from "../../http/schemas.ts";

export const exportParams = z.strictObject({ export_id: idOf("export") });

const span = { from: z.iso.datetime().nullable().default(null), to: z.iso.datetime().nullable().default(null) };
const format = z.enum(formatsOf("inventory"));
/** The person's own download, or one of the organisation's destinations. */
const destination = idOf("exportDestination").nullable().default(null);
/** What of which source: what does not belong to it is refused. */
export const wanted = z.discriminatedUnion("source", [
  z.strictObject({ source: z.literal("inventory"), format, destination }),
  z.strictObject({
    source: z.literal("telemetry"),
    format,
    destination,
    ...span,
    devices: z.array(idOf("device")).min(1).max(exportThingsMax).nullable().default(null),
  }),
  z.strictObject({ source: z.literal("audit"), format, destination, ...span }),
  z.strictObject({
    source: z.literal("documents"),
    format: z.enum(formatsOf("documents")),
    destination,
    documents: z.array(idOf("document")).min(1).max(exportThingsMax).nullable().default(null),
  }),
]);

/** The same as its capability has it; null: its time ends before it begins. */
export function specOf(body: z.output<typeof wanted>): ExportSpec | null {
  const span = "from" in body ? { from: body.from, to: body.to } : { from: null, to: null };
  const [fromMs, toMs] = [span.from, span.to].map((text) => (text === null ? null : Date.parse(text)));
  const [from, to] = [fromMs ?? null, toMs ?? null];
  if (from !== null && to !== null && from >= to) return null;
  return {
    source: body.source,
    format: body.format,
    devices: body.source === "telemetry" ? body.devices : null,
    documents: body.source === "documents" ? body.documents : null,
    fromMs: from,
    toMs: to,
  };
}

const count = z.int().nonnegative();

export const exportAnswer = z.object({
  id: idText,
  requested_by: idText,
  /** Then. Nobody in a lower one agrees to it. */
  requested_role: role,
  source: z.enum(exportSources),
  format: z.enum(exportFormats),
  devices: z.array(idText).nullable(),
  documents: z.array(idText).nullable(),
  from: instant.nullable(),
  to: instant.nullable(),
  destination: z.object({ kind: z.enum(destinationKinds), id: idText.nullable() }),
  state: z.enum(exportStates),
  rows: count,
  /** As many as there were when it was asked for; of the audit log, at most as many. */
  rows_expected: count,
  /** Of an archive, bytes of its documents when it was asked for; null of anything else. */
  bytes_expected: count.nullable(),
  /** 100 once it is done, and never before. */
  percent: z.int().min(0).max(100),
  bytes: count,
  /** Turns that were taken since it last came further: of one on its way, how often its destination was asked in vain. */
  attempts: count,
  /** Why it failed, in one word. */
  failure: z.string().nullable(),
  /** Where it was delivered to. */
  place: z.string().nullable(),
  approved_by: idText.nullable(),
  created_at: instant,
  finished_at: instant.nullable(),
  /** When a result is deleted. */
  expires_at: instant.nullable(),
});

export function exportView(row: ExportRow): z.output<typeof exportAnswer> {
  const { spec, destination } = row;
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return {
    id: row.id,
    requested_by: row.requestedBy,
    requested_role: row.requestedRole,
    source: spec.source,
    format: spec.format,
    devices: spec.devices === null ? null : [...spec.devices],
    documents: spec.documents === null ? null : [...spec.documents],
    from: time(spec.fromMs),
    to: time(spec.toMs),
    destination: { kind: destination.kind, id: destination.kind === "download" ? null : destination.id },
    state: row.state,
    rows: row.rows,
    rows_expected: row.rowsExpected,
    bytes_expected: row.bytesExpected,
    percent: percentOf(row),
    bytes: row.bytes,
    attempts: row.tries,
    failure: row.failure,
    place: row.place,
    approved_by: row.approvedBy,
    created_at: row.createdAt,
    finished_at: row.finishedAt,
    expires_at: row.expiresAt,
  };
}

/** A sheet is made of its rows after they were read: half of the way. */
function percentOf(row: ExportRow): number {
  const { state, stage, spec } = row;
  if (state === "done" || state === "expired") return 100;
  if (stage === "whole") return 99;
  return Math.min(99, Math.floor(readOf(row) * (spec.format === "xlsx" ? 50 : 99)));
}

/** How much was read, from 0 to 1. Of an archive its bytes say it: a thousand letters are less than one film. */
function readOf({ rows, rowsExpected, bytes, bytesExpected }: ExportRow): number {
  if (bytesExpected !== null && bytesExpected > 0) return Math.min(1, bytes / bytesExpected);
  return rowsExpected === 0 ? 0 : Math.min(1, rows / rowsExpected);
}
