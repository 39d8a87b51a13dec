/** Exports as the queue and the clock see them: claimed, gone on with, ended. */

import type { ExportDestination } from "../../core/exports/destination.ts";
import { type ExportFailure, type ExportSpec, exportDays } from "../../core/exports/job.ts";
import { type ExportId, parseId, type UserId } from "../../core/ids.ts";
import type { ExportPart } from "../../core/rpc/exports.ts";
import { parseRole, type Role } from "../../core/tenancy/roles.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { idOf, roleOf, textOf, textOrNull } from "./columns.ts";
import { destinationOf, partsOf, partsText, specOf } from "./export-columns.ts";
import { isMoving } from "./moves.ts";
import type { OrgScope } from "./org-scope.ts";
import { unfinishedScope } from "./scope-makers.ts";

/** A claim that was not renewed for so long is nobody's: a step takes seconds. */
const claimFor = sql`interval '2 minutes'`;
/** What waits in the queue for longer than this, or stands still, is put there again. */
const stillAfter = sql`interval '1 minute'`;
/** Claims without coming any further, a delivery's included, after which it is given up: with the queue's waits an hour. */
export const triesMax = 12;
/** An approval that nobody gave by then is refused. */
export const approvalDays = 3;
/** Rows of exports that are over are shown for so long. */
const shownDays = 60;
/** Taken up in one visit of the clock. */
const atOnce = 200;

/** An export that somebody works on: what they write counts while the claim is theirs. */
export interface ClaimedExport {
  readonly id: ExportId;
  readonly scope: OrgScope;
  readonly claim: number;
  readonly requestedBy: UserId;
  readonly requestedRole: Role;
  /** Null: no member any more, or shut out. */
  readonly roleNow: Role | null;
  readonly spec: ExportSpec;
  readonly destination: ExportDestination;
  readonly stage: "rows" | "sheet" | "whole";
  readonly createdAt: string;
  readonly wrappedKey: string;
  readonly cursor: string | null;
  readonly parts: readonly ExportPart[];
  readonly rows: number;
  readonly tries: number;
}

const columns = sql`e.id, e.org_id, e.claims::double precision AS claims, e.requested_by, e.requested_role, e.source,
  e.format, e.spec, e.destination, e.stage, control.rfc3339(e.created_at) AS created_at, e.wrapped_key, e.cursor,
  e.parts, e.rows::double precision AS rows, e.tries,
  (SELECT m.role FROM control.memberships m JOIN control.users u ON u.id = m.user_id
    WHERE m.org_id = e.org_id AND m.user_id = e.requested_by AND m.disabled_at IS NULL AND u.disabled_at IS NULL
  ) AS role_now`;

function claimedOf(row: Row): ClaimedExport {
  const stage = (["rows", "sheet", "whole"] as const).find((known) => known === row["stage"]);
  if (stage === undefined) throw new TypeError("not the stage of an export");
  return {
    id: idOf("export", row, "id"),
    scope: unfinishedScope(idOf("org", row, "org_id")),
    claim: Number(row["claims"]),
    requestedBy: idOf("user", row, "requested_by"),
    requestedRole: roleOf(row, "requested_role"),
    roleNow: parseRole(row["role_now"]),
    spec: specOf(row),
    destination: destinationOf(row["destination"]),
    stage,
    createdAt: textOf(row, "created_at"),
    wrappedKey: textOf(row, "wrapped_key"),
    cursor: textOrNull(row, "cursor"),
    parts: partsOf(row),
    rows: Number(row["rows"]),
    tries: Number(row["tries"]),
  };
}

const isWorked = sql`e.state IN ('queued', 'running', 'delivering')`;
/** An organisation that is shut, or on its way to another placement, has nothing read. */
const isOpen = sql`EXISTS (SELECT FROM control.organisations o WHERE o.id = e.org_id AND o.status = 'active')
  AND NOT ${isMoving(sql`e.org_id`)}`;

/** Takes one that nobody works on. @returns null: somebody does, or it is over, or may not be worked on now */
export async function claimExport(database: Database, id: ExportId): Promise<ClaimedExport | null> {
  const [row] = await database.query(sql`
    UPDATE control.exports e SET claims = e.claims + 1, claimed_until = now() + ${claimFor}, tries = e.tries + 1,
      state = CASE WHEN e.stage = 'whole' AND e.destination ->> 'kind' <> 'download' THEN 'delivering' ELSE 'running' END
    WHERE e.id = ${id} AND ${isWorked} AND (e.claimed_until IS NULL OR e.claimed_until < now()) AND ${isOpen}
    RETURNING ${columns}`);
  return row === undefined ? null : claimedOf(row);
}

const isMine = ({ id, claim }: ClaimedExport): Statement =>
  sql`e.id = ${id} AND e.claims = ${claim}::bigint AND ${isWorked}`;

/** Goes on from what was claimed. @returns null: it is over, or somebody else's */
async function advance(database: Database, claimed: ClaimedExport, change: Statement): Promise<ClaimedExport | null> {
  const [row] = await database.query(sql`
    UPDATE control.exports e SET ${change}, claimed_until = now() + ${claimFor} WHERE ${isMine(claimed)} AND ${isOpen}
    RETURNING ${columns}`);
  return row === undefined ? null : claimedOf(row);
}

const bytesOf = (parts: readonly ExportPart[]): number => parts.reduce((sum, { bytes }) => sum + bytes, 0);

/** COMMIT POINT of a step: its rows are behind it, and its piece is one of the export's. @throws DatabaseError */
export function noteStep(
  database: Database,
  claimed: ClaimedExport,
  done: { readonly parts: readonly ExportPart[]; readonly rows: number; readonly cursor: string | null },
): Promise<ClaimedExport | null> {
  const next = done.cursor !== null ? "rows" : claimed.spec.format === "xlsx" ? "sheet" : "whole";
  return advance(
    database,
    claimed,
    sql`rows = e.rows + ${done.rows}, cursor = ${done.cursor}, stage = ${next}, tries = 0,
      bytes = ${bytesOf([...claimed.parts, ...done.parts])}::bigint,
      parts = e.parts || ${partsText(done.parts)}::text::jsonb`,
  );
}

/** COMMIT POINT of a sheet: its pieces take the place of the rows'. @throws DatabaseError */
export function noteSheet(
  database: Database,
  claimed: ClaimedExport,
  parts: readonly ExportPart[],
): Promise<ClaimedExport | null> {
  return advance(
    database,
    claimed,
    sql`stage = 'whole', tries = 0, bytes = ${bytesOf(parts)}::bigint, parts = ${partsText(parts)}::text::jsonb`,
  );
}

/** It is whole and on its way. */
export const noteDelivering = (database: Database, claimed: ClaimedExport): Promise<ClaimedExport | null> =>
  advance(database, claimed, sql`state = 'delivering'`);

/**
 * Somebody is at it.
 * @param bytes how much of it there is, where one step takes long; for people alone, until the step counts
 * @returns it as it is now; null: they are to stop
 */
export const renewClaim = (
  database: Database,
  claimed: ClaimedExport,
  bytes: number | null = null,
): Promise<ClaimedExport | null> =>
  advance(database, claimed, bytes === null ? sql`tries = e.tries` : sql`bytes = greatest(e.bytes, ${bytes}::bigint)`);

/** Lets go of it: it is due again at once, or after a while. */
export async function releaseExport(database: Database, claimed: ClaimedExport, afterSeconds: number): Promise<void> {
  await database.query(sql`UPDATE control.exports e
    SET claimed_until = now() + make_interval(secs => ${afterSeconds}) WHERE ${isMine(claimed)}`);
}

/** COMMIT POINT of an export. @param place where it was delivered to @returns false: it was over, or somebody else's */
export async function finishExport(database: Database, claimed: ClaimedExport, place: string | null): Promise<boolean> {
  const rows = await database.query(sql`
    UPDATE control.exports e SET state = 'done', place = ${place}, finished_at = now(), claimed_until = NULL,
      expires_at = now() + make_interval(days => ${exportDays})
    WHERE ${isMine(claimed)} RETURNING 1`);
  return rows.length === 1;
}

/** Ends one without a result: its key goes with it. @returns false: it was over, or somebody else's */
export async function failExport(database: Database, claimed: ClaimedExport, failure: ExportFailure): Promise<boolean> {
  const rows = await database.query(
    sql`UPDATE control.exports e SET ${ended(failure)} WHERE ${isMine(claimed)} RETURNING 1`,
  );
  return rows.length === 1;
}

const ended = (failure: ExportFailure): Statement => sql`state = 'failed', failure = ${failure}, wrapped_key = NULL,
  parts = '[]', finished_at = now(), claimed_until = NULL`;

/** Those that nobody works on though somebody should: their message was lost, or whoever had it died. */
export async function stillExports(database: Database): Promise<ExportId[]> {
  const rows = await database.query(
    sql`SELECT e.id FROM control.exports e
      WHERE e.finished_at IS NULL AND ${isWorked} AND coalesce(e.claimed_until, e.created_at + ${stillAfter}) < now()
        AND ${isOpen}
      ORDER BY e.id LIMIT ${atOnce}`,
    { readOnly: true },
  );
  return rows.map((row) => idOf("export", row, "id"));
}

/**
 * Ends what is due: results whose week is over, approvals that nobody gave, and what came no further. Keys go first,
 * here; what they sealed goes with {@link untidyExports}. Rows that nobody looks at any more are forgotten.
 */
export async function endDueExports(database: Database): Promise<void> {
  await database.transaction([
    sql`UPDATE control.exports e SET state = 'expired', wrapped_key = NULL, parts = '[]', tidied_at = NULL
      WHERE e.state = 'done' AND e.expires_at < now()`,
    sql`UPDATE control.exports e SET ${ended("approval_expired")}
      WHERE e.state = 'waiting_approval' AND e.created_at < now() - make_interval(days => ${approvalDays})`,
    sql`UPDATE control.exports e SET ${ended("gave_up")}
      WHERE e.finished_at IS NULL AND ${isWorked} AND e.tries >= ${triesMax}
        AND (e.claimed_until IS NULL OR e.claimed_until < now())`,
    sql`DELETE FROM control.exports e
      WHERE e.tidied_at IS NOT NULL AND e.state <> 'done' AND e.finished_at < now() - make_interval(days => ${shownDays})`,
  ]);
}

export interface UntidyExport {
  readonly scope: OrgScope;
  readonly id: ExportId;
  readonly parts: readonly ExportPart[];
}

/** Those that are over and may have left something in the bucket beside their parts. */
export async function untidyExports(database: Database): Promise<UntidyExport[]> {
  // Whoever was at it when it ended may write one more piece: their claim's time passes first.
  const rows = await database.query(
    sql`SELECT e.id, e.org_id, e.parts FROM control.exports e
      WHERE e.finished_at < now() - ${claimFor} AND e.tidied_at IS NULL ORDER BY e.finished_at LIMIT ${atOnce}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    scope: unfinishedScope(idOf("org", row, "org_id")),
    id: idOf("export", row, "id"),
    parts: partsOf(row),
  }));
}

/** Nothing of it lies there beside its parts. */
export async function noteTidy(database: Database, id: ExportId): Promise<void> {
  await database.query(sql`UPDATE control.exports SET tidied_at = now() WHERE id = ${id} AND finished_at IS NOT NULL`);
}

/** The id in a message of the queue; null for anything else. */
export const exportInMessage = (body: unknown): ExportId | null =>
  parseId("export", (body as { readonly export?: unknown } | null)?.export);
