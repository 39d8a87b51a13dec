/** Runs of the platform's own backups: asked for, claimed, heard of, ended. */
import type { BackupId } from "../../core/ids.ts";
import type { BackupFailure, BackupProgress, MadeBackup } from "../../core/rpc/backups.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { booleanOf, idOf, instant, textOf, textOrNull } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { changeWithReceipt, hasChanged, type WriteRequest } from "./receipts.ts";
import { unfinishedScope } from "./scope-makers.ts";

/** Runs at once, of all organisations together: each holds a snapshot on a placement, and a minute of its CPU. */
export const runsAtOnceMax = 4;
/** A running one says so every few seconds; one that has been silent so long is dead. */
const silentMax = sql`interval '5 minutes'`;
/** What people may ask for in a day, beside the clock's. */
export const requestsADayMax = 6;
/** A run that failed in its night is tried again, an hour later and not for ever. */
const triesANight = 3;
const retryAfter = sql`interval '1 hour'`;
/** Ended runs are shown for so long. */
const shownFor = sql`interval '60 days'`;

export interface BackupRun {
  readonly id: BackupId;
  readonly byRequest: boolean;
  readonly state: "queued" | "running" | "done" | "failed";
  readonly failure: string | null;
  readonly requestedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** Of rows so far, before compression. */
  readonly bytes: number;
  /** Of the tables on disk; null before it began. */
  readonly bytesEstimated: number | null;
}

const runColumns = sql`id, by_request, state, failure, control.rfc3339(requested_at) AS requested_at,
  control.rfc3339(started_at) AS started_at, control.rfc3339(finished_at) AS finished_at, bytes::text AS bytes,
  bytes_estimated::text AS bytes_estimated`;

function runOf(row: Row): BackupRun {
  const state = (["queued", "running", "done", "failed"] as const).find((known) => known === row["state"]);
  if (state === undefined) throw new TypeError("column state is no state of a run");
  const estimated = textOrNull(row, "bytes_estimated");
  return {
    id: idOf("backup", row, "id"),
    byRequest: booleanOf(row, "by_request"),
    state,
    failure: textOrNull(row, "failure"),
    requestedAt: textOf(row, "requested_at"),
    startedAt: textOrNull(row, "started_at"),
    finishedAt: textOrNull(row, "finished_at"),
    bytes: Number(textOf(row, "bytes")),
    bytesEstimated: estimated === null ? null : Number(estimated),
  };
}

/** Newest first; ids rise with time. @throws DatabaseError */
export async function listRuns(
  database: Database,
  { org }: OrgScope,
  page: { readonly before: string | null; readonly limit: number },
): Promise<BackupRun[]> {
  const rows = await database.query(
    sql`SELECT ${runColumns} FROM control.backup_runs
      WHERE org_id = ${org} AND (${page.before}::text IS NULL OR id < ${page.before}::text)
      ORDER BY id DESC LIMIT ${page.limit}`,
    { readOnly: true },
  );
  return rows.map(runOf);
}

export type RequestedRun =
  | { readonly kind: "queued"; readonly run: BackupRun }
  /** One is on its way. */
  | { readonly kind: "busy" }
  /** {@link requestsADayMax} were asked for within a day. */
  | { readonly kind: "too_many" };

/** Queues a run that somebody asks for, with its receipt. @throws DatabaseError */
export async function requestRun(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  backup: BackupId,
): Promise<RequestedRun> {
  const { org } = scope;
  const [, changed, runs = [], open = []] = await database.transaction([
    // Two requests at once count one after the other.
    sql`SELECT FROM control.organisations WHERE id = ${org} FOR UPDATE`,
    changeWithReceipt(
      write,
      scope,
      sql`INSERT INTO control.backup_runs (id, org_id, by_request)
        SELECT ${backup}, ${org}, true
        WHERE (SELECT count(*) FROM control.backup_runs
          WHERE org_id = ${org} AND by_request AND requested_at > now() - interval '1 day') < ${requestsADayMax}
        ON CONFLICT (org_id) WHERE state IN ('queued', 'running') DO NOTHING RETURNING id`,
    ),
    sql`SELECT ${runColumns} FROM control.backup_runs WHERE id = ${backup}`,
    sql`SELECT FROM control.backup_runs WHERE org_id = ${org} AND state IN ('queued', 'running')`,
  ]);
  const [row] = runs;
  if (hasChanged(changed) && row !== undefined) return { kind: "queued", run: runOf(row) };
  return open.length > 0 ? { kind: "busy" } : { kind: "too_many" };
}

/** Nightly runs begin at 00:00 UTC and are spread over so long. */
const nightSeconds = 5 * 3600;

/**
 * The last moment at which an organisation was due: each has a time of its own in the night, by its id, so that ten
 * thousand of them don't begin at once, and always the same one.
 */
const lastSlot = (org: Statement, now: string): Statement => {
  const today = sql`date_trunc('day', ${now}::timestamptz, 'UTC')
    + (('x' || substr(md5(${org}), 1, 7))::bit(28)::integer % ${nightSeconds}::integer) * interval '1 second'`;
  return sql`CASE WHEN ${today} <= ${now}::timestamptz THEN ${today} ELSE ${today} - interval '1 day' END`;
};

/**
 * Queues what is due: active organisations that were there at their slot and have had no good run since. Whoever is
 * suspended or to be deleted keeps the backups that there are; nothing changes there.
 * @param ids fresh, as many as may be queued
 * @returns how many were
 */
export async function queueDue(database: Database, nowMs: number, ids: readonly BackupId[]): Promise<number> {
  const now = instant(nowMs);
  const rows = await database.query(sql`
    WITH candidates AS (
      SELECT o.id, ${lastSlot(sql`o.id`, now)} AS slot
      FROM control.organisations o
      WHERE o.status = 'active' AND NOT EXISTS (
        SELECT FROM control.encryption_settings e WHERE e.org_id = o.id AND e.shredded_at IS NOT NULL)),
    due AS (
      SELECT c.id, row_number() OVER (ORDER BY c.slot, c.id) AS n
      FROM candidates c JOIN control.organisations o ON o.id = c.id
      WHERE o.created_at < c.slot
        AND NOT EXISTS (SELECT FROM control.backup_runs r WHERE r.org_id = c.id
          AND (r.state IN ('queued', 'running') OR r.state = 'done' AND r.requested_at >= c.slot
            OR r.state = 'failed' AND r.requested_at >= c.slot AND r.finished_at > ${now}::timestamptz - ${retryAfter}))
        AND (SELECT count(*) FROM control.backup_runs r
          WHERE r.org_id = c.id AND r.state = 'failed' AND r.requested_at >= c.slot) < ${triesANight}
      LIMIT ${ids.length})
    INSERT INTO control.backup_runs (id, org_id, by_request, requested_at)
    SELECT given.id, due.id, false, ${now}::timestamptz
    FROM due JOIN unnest(${ids}::text[]) WITH ORDINALITY AS given (id, n) ON given.n = due.n
    ON CONFLICT DO NOTHING RETURNING id`);
  return rows.length;
}

export interface ClaimedRun {
  readonly scope: OrgScope;
  readonly backup: BackupId;
}

/** Any number; one clock claims at a time, so that what is counted holds. */
const claimLock = sql`SELECT pg_advisory_xact_lock(5105011)`;

/** Takes the next run, those that people wait for first. @returns null: none waits, or enough are running */
export async function claimRun(database: Database): Promise<ClaimedRun | null> {
  const [, rows] = await database.transaction([
    claimLock,
    sql`UPDATE control.backup_runs SET state = 'running', started_at = now(), seen_at = now()
      WHERE id = (SELECT r.id FROM control.backup_runs r WHERE r.state = 'queued'
          AND (SELECT count(*) FROM control.backup_runs WHERE state = 'running') < ${runsAtOnceMax}
        ORDER BY r.by_request DESC, r.requested_at, r.id LIMIT 1 FOR UPDATE)
      RETURNING id, org_id`,
  ]);
  const row = rows?.[0];
  return row === undefined ? null : claimedOf(row);
}

const claimedOf = (row: Row): ClaimedRun => ({
  scope: unfinishedScope(idOf("org", row, "org_id")),
  backup: idOf("backup", row, "id"),
});

/** @returns false: the run is over, or its organisation is no longer active */
export async function noteProgress(
  database: Database,
  { scope: { org }, backup }: ClaimedRun,
  { bytes, bytesEstimated }: BackupProgress,
): Promise<boolean> {
  const rows = await database.query(sql`
    UPDATE control.backup_runs r SET seen_at = now(), bytes = ${bytes}, bytes_estimated = ${bytesEstimated}
    FROM control.organisations o
    WHERE r.id = ${backup} AND r.org_id = ${org} AND r.state = 'running' AND o.id = r.org_id AND o.status = 'active'
    RETURNING 1`);
  return rows.length === 1;
}

/**
 * COMMIT POINT of a run: from here on there is a backup. Its key is in the row, and nowhere else.
 * @returns false: the run was given up, or its organisation is gone or shredded; what was written is worth nothing
 * @throws DatabaseError
 */
export async function finishRun(
  database: Database,
  { scope: { org }, backup }: ClaimedRun,
  made: MadeBackup,
): Promise<boolean> {
  const rows = await database.query(sql`
    WITH done AS (
      UPDATE control.backup_runs SET state = 'done', finished_at = now(), seen_at = now()
      WHERE id = ${backup} AND org_id = ${org} AND state = 'running' RETURNING id, org_id)
    INSERT INTO control.backups
      (id, org_id, wrapped_key, tenant_schema, snapshot_at, bytes, rows, sha256, verified_at, made_by)
    SELECT id, org_id, ${made.wrappedKey}, ${made.schema}::integer, ${made.snapshotAt}::timestamptz,
      ${made.bytes}::bigint, ${made.rows}::bigint, ${made.sha256}, now(), 'platform'
    FROM done RETURNING id`);
  return rows.length === 1;
}

/** Ends a run without a backup. @returns false: it was over */
export async function failRun(
  database: Database,
  { scope: { org }, backup }: ClaimedRun,
  failure: BackupFailure,
): Promise<boolean> {
  const rows = await database.query(sql`
    UPDATE control.backup_runs SET state = 'failed', failure = ${failure}, finished_at = now()
    WHERE id = ${backup} AND org_id = ${org} AND state = 'running' RETURNING 1`);
  return rows.length === 1;
}

/** Ends the runs that nobody has heard of, and forgets those that ended long ago. @returns the former */
export async function endSilentRuns(database: Database): Promise<ClaimedRun[]> {
  const [rows = []] = await database.transaction([
    sql`UPDATE control.backup_runs SET state = 'failed', failure = 'interrupted', finished_at = now()
      WHERE state = 'running' AND seen_at < now() - ${silentMax} RETURNING id, org_id`,
    sql`DELETE FROM control.backup_runs WHERE finished_at < now() - ${shownFor}`,
  ]);
  return rows.map(claimedOf);
}
