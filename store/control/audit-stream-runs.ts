/** How far streams of audit logs have come: claimed by the clock, one clock at a time each. */
import type { SeqRange } from "../../core/audit/stream/batch.ts";
import type { StreamFormat } from "../../core/audit/stream/format.ts";
import type { StreamFailure } from "../../core/audit/stream/verdict.ts";
import type { AuditStreamId } from "../../core/ids.ts";
import { type Database, type Statement, sql } from "../connect.ts";
import { deadLettersMax, formatOf } from "./audit-streams.ts";
import { booleanOf, idOf, instant, textOf, textOrNull } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { unfinishedScope } from "./scope-makers.ts";

/** A claim that nobody gave back is another's after so long, in milliseconds: longer than a turn takes. */
export const claimMs = 3 * 60_000;

/** A stream that is this clock's for a while. */
export interface ClaimedStream {
  readonly scope: OrgScope;
  readonly id: AuditStreamId;
  /** Whoever has a lower one writes nothing. */
  readonly claim: number;
  readonly url: string;
  readonly format: StreamFormat;
  /** Signing secrets, sealed, the newest first. */
  readonly sealed: readonly string[];
  readonly deliveredSeq: number;
  /** The last entry of a message that was begun and perhaps sent; null: none. */
  readonly sendingSeq: number | null;
  readonly tries: number;
  /** Unix milliseconds; null: all is well. */
  readonly failingSinceMs: number | null;
  /** Messages that somebody wants sent again, the oldest wish first. */
  readonly queued: readonly SeqRange[];
  /** Nothing but those is sent. */
  readonly stopped: boolean;
}

/** Messages that are sent again in one turn; the next turn takes the rest. */
const queuedMax = 20;

/** Takes the stream that has been due longest. @returns null: none is due */
export async function claimStream(database: Database, nowMs: number): Promise<ClaimedStream | null> {
  const now = instant(nowMs);
  const [row] = await database.query(
    sql`WITH due AS (
        SELECT s.id FROM control.audit_streams s JOIN control.organisations o ON o.id = s.org_id
        WHERE s.next_at <= ${now}::timestamptz AND o.status = 'active'
          AND (s.stopped_at IS NULL OR EXISTS (SELECT FROM control.audit_stream_dead_letters d
            WHERE d.stream_id = s.id AND d.queued_at IS NOT NULL))
        ORDER BY s.next_at, s.id LIMIT 1 FOR UPDATE OF s SKIP LOCKED),
      claimed AS (
        UPDATE control.audit_streams s SET claims = s.claims + 1, next_at = ${instant(nowMs + claimMs)}::timestamptz
        FROM due WHERE s.id = due.id RETURNING s.*)
      SELECT c.id, c.org_id, c.claims::text AS claim, c.url, c.format, c.sealed, c.stopped_at IS NOT NULL AS stopped,
        CASE WHEN c.previous_until > ${now}::timestamptz THEN c.previous_sealed END AS previous_sealed,
        c.delivered_seq::text AS delivered_seq, c.sending_seq::text AS sending_seq, c.tries,
        (extract(epoch FROM c.failing_since) * 1000)::bigint::text AS failing_since_ms,
        (SELECT coalesce(json_agg(json_build_object('first', d.first_seq, 'last', d.last_seq)
            ORDER BY d.queued_at, d.first_seq), '[]')
          FROM (SELECT * FROM control.audit_stream_dead_letters WHERE stream_id = c.id AND queued_at IS NOT NULL
            ORDER BY queued_at, first_seq LIMIT ${queuedMax}) d) AS queued
      FROM claimed c`,
  );
  if (row === undefined) return null;
  const number = (column: string): number | null => {
    const text = textOrNull(row, column);
    return text === null ? null : Number(text);
  };
  const previous = textOrNull(row, "previous_sealed");
  return {
    scope: unfinishedScope(idOf("org", row, "org_id")),
    id: idOf("auditStream", row, "id"),
    claim: Number(textOf(row, "claim")),
    url: textOf(row, "url"),
    format: formatOf(row),
    sealed: [textOf(row, "sealed"), ...(previous === null ? [] : [previous])],
    deliveredSeq: Number(textOf(row, "delivered_seq")),
    sendingSeq: number("sending_seq"),
    tries: Number(row["tries"]),
    failingSinceMs: number("failing_since_ms"),
    queued: row["queued"] as readonly SeqRange[],
    stopped: booleanOf(row, "stopped"),
  };
}

/** Whose claim still holds. */
const held = ({ id, claim }: ClaimedStream): Statement => sql`id = ${id} AND claims = ${claim}::bigint`;

async function changes(database: Database, change: Statement): Promise<boolean> {
  return (await database.query(sql`${change} RETURNING 1`)).length === 1;
}

/** Settles where a message ends, before it is sent the first time. @returns false: the claim is another's */
export async function beginMessage(database: Database, stream: ClaimedStream, last: number): Promise<boolean> {
  return await changes(
    database,
    sql`UPDATE control.audit_streams SET sending_seq = ${last}::bigint
      WHERE ${held(stream)} AND sending_seq IS NULL AND delivered_seq < ${last}::bigint`,
  );
}

/**
 * COMMIT POINT of a message: the destination has it. Before it a crash sends it again, under the same id.
 * @returns false: the claim is another's
 */
export async function noteTaken(
  database: Database,
  stream: ClaimedStream,
  last: number,
  nowMs: number,
): Promise<boolean> {
  return await changes(
    database,
    sql`UPDATE control.audit_streams SET delivered_seq = ${last}::bigint, sending_seq = NULL, tries = 0,
        failing_since = NULL, failure = NULL, status = NULL, delivered_at = ${instant(nowMs)}::timestamptz
      WHERE ${held(stream)} AND sending_seq = ${last}::bigint`,
  );
}

/** Why a message was not taken, and by which answer. */
export interface NotTaken {
  readonly failure: StreamFailure;
  readonly status: number | null;
  readonly nowMs: number;
}

const failed = ({ failure, status, nowMs }: NotTaken): Statement =>
  sql`failing_since = coalesce(failing_since, ${instant(nowMs)}::timestamptz), failure = ${failure},
    status = ${status}::integer`;

/** The message is sent again, not before `nextAtMs`, and the stream is nobody's until then. */
export async function noteFailure(
  database: Database,
  stream: ClaimedStream,
  why: NotTaken,
  nextAtMs: number,
): Promise<void> {
  await database.query(
    sql`UPDATE control.audit_streams SET ${failed(why)}, tries = tries + 1, next_at = ${instant(nextAtMs)}::timestamptz
      WHERE ${held(stream)}`,
  );
}

/** Nothing is sent any more until somebody says so; what is under way stays under way. */
export async function noteStopped(database: Database, stream: ClaimedStream, why: NotTaken): Promise<void> {
  await database.query(
    sql`UPDATE control.audit_streams SET ${failed(why)}, stopped_at = ${instant(why.nowMs)}::timestamptz
      WHERE ${held(stream)}`,
  );
}

/**
 * Puts a message aside, so that those behind it go on; with {@link deadLettersMax} of them the stream stops, and this
 * one stays under way.
 * @returns false: nothing goes on by this claim
 */
export async function noteDead(
  database: Database,
  stream: ClaimedStream,
  { first, last }: SeqRange,
  why: NotTaken,
): Promise<boolean> {
  const now = instant(why.nowMs);
  const [row] = await database.query(
    sql`WITH room AS (
        SELECT count(*) < ${deadLettersMax} AS fits FROM control.audit_stream_dead_letters
        WHERE stream_id = ${stream.id}),
      moved AS (
        UPDATE control.audit_streams SET ${failed(why)},
          delivered_seq = CASE WHEN fits THEN ${last}::bigint ELSE delivered_seq END,
          sending_seq = CASE WHEN fits THEN NULL ELSE sending_seq END,
          stopped_at = CASE WHEN fits THEN stopped_at ELSE ${now}::timestamptz END
        FROM room WHERE ${held(stream)} AND sending_seq = ${last}::bigint RETURNING fits),
      dead AS (
        INSERT INTO control.audit_stream_dead_letters (stream_id, first_seq, last_seq, failure, status, died_at)
        SELECT ${stream.id}, ${first}::bigint, ${last}::bigint, ${why.failure}, ${why.status}::integer,
          ${now}::timestamptz FROM moved WHERE fits)
      SELECT fits FROM moved`,
  );
  return row !== undefined && booleanOf(row, "fits");
}

/** Gives the stream back; it is due again at `nextAtMs`. */
export async function releaseStream(database: Database, stream: ClaimedStream, nextAtMs: number): Promise<void> {
  await database.query(
    sql`UPDATE control.audit_streams SET next_at = ${instant(nextAtMs)}::timestamptz WHERE ${held(stream)}`,
  );
}

/** A message that had been put aside was taken: it is aside no more. */
export async function forgetDeadLetter(database: Database, stream: ClaimedStream, { first }: SeqRange): Promise<void> {
  await database.query(
    sql`DELETE FROM control.audit_stream_dead_letters
      WHERE stream_id = ${stream.id} AND first_seq = ${first}::bigint`,
  );
}

/** … it was not: it stays aside, and the wish is answered. */
export async function keepDeadLetter(
  database: Database,
  stream: ClaimedStream,
  { first }: SeqRange,
  { failure, status, nowMs }: NotTaken,
): Promise<void> {
  await database.query(
    sql`UPDATE control.audit_stream_dead_letters SET queued_at = NULL, failure = ${failure},
        status = ${status}::integer, died_at = ${instant(nowMs)}::timestamptz
      WHERE stream_id = ${stream.id} AND first_seq = ${first}::bigint`,
  );
}
