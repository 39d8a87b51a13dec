/** Exports as people see them: asked for, listed, agreed to, given up. */
import type { ExportDestination } from "../../core/exports/destination.ts";
import { type ExportSpec, type ExportState, exportStates, openExportsMax } from "../../core/exports/job.ts";
import type { ExportId, UserId } from "../../core/ids.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { idOf, instant, roleOf, textOf, textOrNull } from "./columns.ts";
import { destinationOf, partsOf, specOf } from "./export-columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { applyChange, changeWithReceipt, hasChanged, type WriteRequest } from "./receipts.ts";

export interface ExportRow {
  readonly id: ExportId;
  readonly requestedBy: UserId;
  readonly requestedRole: Role;
  readonly spec: ExportSpec;
  readonly destination: ExportDestination;
  readonly state: ExportState;
  readonly stage: "rows" | "sheet" | "whole";
  readonly rows: number;
  readonly rowsExpected: number;
  /** Of an archive; null: rows say how far it is. */
  readonly bytesExpected: number | null;
  /** Plain. */
  readonly bytes: number;
  /** Turns that were taken since it last came further. */
  readonly tries: number;
  readonly failure: string | null;
  readonly place: string | null;
  readonly approvedBy: UserId | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly expiresAt: string | null;
}

const columns = sql`e.id, e.requested_by, e.requested_role, e.source, e.format, e.spec, e.destination, e.state, e.stage,
  e.rows::double precision AS rows, e.rows_expected::double precision AS rows_expected,
  e.bytes_expected::double precision AS bytes_expected,
  e.bytes::double precision AS bytes, e.tries, e.failure, e.place, e.approved_by, control.rfc3339(e.created_at) AS created_at,
  control.rfc3339(e.finished_at) AS finished_at, control.rfc3339(e.expires_at) AS expires_at`;

function exportOf(row: Row): ExportRow {
  const state = exportStates.find((known) => known === row["state"]);
  const stage = (["rows", "sheet", "whole"] as const).find((known) => known === row["stage"]);
  if (state === undefined || stage === undefined) throw new TypeError("not the state of an export");
  return {
    id: idOf("export", row, "id"),
    requestedBy: idOf("user", row, "requested_by"),
    requestedRole: roleOf(row, "requested_role"),
    spec: specOf(row),
    destination: destinationOf(row["destination"]),
    state,
    stage,
    rows: Number(row["rows"]),
    rowsExpected: Number(row["rows_expected"]),
    bytesExpected: row["bytes_expected"] === null ? null : Number(row["bytes_expected"]),
    bytes: Number(row["bytes"]),
    tries: Number(row["tries"]),
    failure: textOrNull(row, "failure"),
    place: textOrNull(row, "place"),
    approvedBy: row["approved_by"] === null ? null : idOf("user", row, "approved_by"),
    createdAt: textOf(row, "created_at"),
    finishedAt: textOrNull(row, "finished_at"),
    expiresAt: textOrNull(row, "expires_at"),
  };
}

export interface NewExport {
  readonly id: ExportId;
  readonly requestedBy: UserId;
  readonly requestedRole: Role;
  readonly spec: ExportSpec;
  readonly destination: ExportDestination;
  readonly rowsExpected: number;
  readonly bytesExpected: number | null;
  readonly wrappedKey: string;
  readonly state: "waiting_approval" | "queued";
}

/** Adds an export, with its receipt. @returns null: as many as may be are not over yet @throws DatabaseError */
export async function addExport(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  added: NewExport,
): Promise<ExportRow | null> {
  const { org } = scope;
  const { source, format, devices, documents, fromMs, toMs } = added.spec;
  const spec = JSON.stringify({ devices, documents, from: fromMs, to: toMs });
  const [, changed, rows = []] = await database.transaction([
    // Two requests at once count one after the other.
    sql`SELECT FROM control.organisations WHERE id = ${org} FOR UPDATE`,
    changeWithReceipt(
      write,
      scope,
      sql`INSERT INTO control.exports (id, org_id, requested_by, requested_role, source, format, spec, destination,
          state, rows_expected, bytes_expected, wrapped_key, created_at)
        SELECT ${added.id}, ${org}, ${added.requestedBy}, ${added.requestedRole}, ${source}, ${format},
          ${spec}::text::jsonb, ${JSON.stringify(added.destination)}::text::jsonb, ${added.state},
          ${added.rowsExpected}::bigint, ${added.bytesExpected}::bigint, ${added.wrappedKey}, ${instant(write.nowMs)}::timestamptz
        WHERE (SELECT count(*) FROM control.exports
          WHERE org_id = ${org} AND finished_at IS NULL) < ${openExportsMax} RETURNING id`,
    ),
    sql`SELECT ${columns} FROM control.exports e WHERE e.id = ${added.id}`,
  ]);
  const [row] = rows;
  return hasChanged(changed) && row !== undefined ? exportOf(row) : null;
}

/** Whose: everybody's for who may see them all (null), else their own. */
const isOf = ({ org }: OrgScope, of: UserId | null): Statement =>
  sql`e.org_id = ${org} AND (${of}::text IS NULL OR e.requested_by = ${of}::text)`;

/** Newest first; ids rise with time. @throws DatabaseError */
export async function listExports(
  database: Database,
  scope: OrgScope,
  page: { readonly of: UserId | null; readonly before: string | null; readonly limit: number },
): Promise<ExportRow[]> {
  const rows = await database.query(
    sql`SELECT ${columns} FROM control.exports e
      WHERE ${isOf(scope, page.of)} AND (${page.before}::text IS NULL OR e.id < ${page.before}::text)
      ORDER BY e.id DESC LIMIT ${page.limit}`,
    { readOnly: true },
  );
  return rows.map(exportOf);
}

export async function findExport(
  database: Database,
  scope: OrgScope,
  id: ExportId,
  of: UserId | null,
): Promise<ExportRow | null> {
  const [row] = await database.query(
    sql`SELECT ${columns} FROM control.exports e WHERE e.id = ${id} AND ${isOf(scope, of)}`,
    { readOnly: true },
  );
  return row === undefined ? null : exportOf(row);
}

/** What it takes to open a result; null: there is none of theirs that is whole and whose time is not over. */
export async function findResult(database: Database, scope: OrgScope, id: ExportId, of: UserId, nowMs: number) {
  const [row] = await database.query(
    sql`SELECT ${columns}, e.wrapped_key, e.parts FROM control.exports e
      WHERE e.id = ${id} AND ${isOf(scope, of)} AND e.state = 'done' AND e.wrapped_key IS NOT NULL
        AND e.expires_at > ${instant(nowMs)}::timestamptz`,
    { readOnly: true },
  );
  return row === undefined ? null : { ...exportOf(row), wrappedKey: textOf(row, "wrapped_key"), parts: partsOf(row) };
}

/** Ends one that is not over, with its receipt: its key goes with it. */
export async function cancelExport(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  id: ExportId,
  of: UserId | null,
): Promise<"cancelled" | "over" | "not_found"> {
  const [changed, seen] = await database.transaction([
    changeWithReceipt(
      write,
      scope,
      sql`UPDATE control.exports e SET state = 'cancelled', wrapped_key = NULL, parts = '[]', claimed_until = NULL,
          finished_at = ${instant(write.nowMs)}::timestamptz
        WHERE e.id = ${id} AND ${isOf(scope, of)} AND e.finished_at IS NULL RETURNING 1`,
    ),
    sql`SELECT FROM control.exports e WHERE e.id = ${id} AND ${isOf(scope, of)}`,
  ]);
  if (hasChanged(changed)) return "cancelled";
  return seen?.length === 1 ? "over" : "not_found";
}

/**
 * Lets one that waits for it begin, with its receipt. Whoever agrees is another person than who asked; that they are
 * an administrator the route has judged. It still has to be put into the queue.
 * @returns false: there is none that waits, or it is their own
 */
export function approveExport(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  id: ExportId,
  by: UserId,
): Promise<boolean> {
  return applyChange(
    database,
    write,
    scope,
    sql`UPDATE control.exports e SET state = 'queued', approved_by = ${by},
        approved_at = ${instant(write.nowMs)}::timestamptz
      WHERE e.id = ${id} AND ${isOf(scope, null)} AND e.state = 'waiting_approval' AND e.requested_by <> ${by}
      RETURNING 1`,
  );
}

/** Ends one that waits, with its receipt. @returns false: there is none that waits, or it is their own */
export function rejectExport(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  id: ExportId,
  by: UserId,
): Promise<boolean> {
  return applyChange(
    database,
    write,
    scope,
    sql`UPDATE control.exports e SET state = 'failed', failure = 'rejected', wrapped_key = NULL,
        finished_at = ${instant(write.nowMs)}::timestamptz
      WHERE e.id = ${id} AND ${isOf(scope, null)} AND e.state = 'waiting_approval' AND e.requested_by <> ${by}
      RETURNING 1`,
  );
}
