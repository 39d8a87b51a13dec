/** Where an organisation's audit log is streamed to, as its administrators see and change it. */
import { type StreamFormat, streamFormats } from "../../core/audit/stream/format.ts";
import type { AuditStreamId } from "../../core/ids.ts";
import { type Database, type Row, sql } from "../connect.ts";
import { booleanOf, idOf, instant, textOf, textOrNull } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { applyChange, receiptIfChanged, type WriteRequest } from "./receipts.ts";

/** A replaced secret stays good for so long, in milliseconds: a day on which somebody puts the new one in. */
export const secretOverlapMs = 24 * 3600_000;
/** Messages put aside, of one stream. With as many nothing goes on: what a destination never takes is not counted for ever. */
export const deadLettersMax = 1000;
/** … that are shown at once, the oldest first. */
const deadLettersShownMax = 100;

export interface AuditStream {
  readonly id: AuditStreamId;
  readonly url: string;
  readonly format: StreamFormat;
  readonly createdAt: string;
  /** Null: one secret is good. */
  readonly previousUntil: string | null;
  readonly deliveredSeq: number;
  /** When the destination took something last; null: never. */
  readonly deliveredAt: string | null;
  readonly tries: number;
  readonly failingSince: string | null;
  readonly failure: string | null;
  readonly status: number | null;
  readonly nextAt: string;
  readonly stoppedAt: string | null;
  readonly deadLetters: readonly DeadLetter[];
  /** Of all, also those that are not shown. */
  readonly deadCount: number;
}

/** A message that was given up. */
export interface DeadLetter {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly failure: string;
  readonly status: number | null;
  readonly diedAt: string;
  readonly queued: boolean;
}

/** The organisation's stream; null: it has none. */
export async function findAuditStream(
  database: Database,
  { org }: OrgScope,
  nowMs: number,
): Promise<AuditStream | null> {
  const [row] = await database.query(
    sql`SELECT s.id, s.url, s.format, control.rfc3339(s.created_at) AS created_at,
        CASE WHEN s.previous_until > ${instant(nowMs)}::timestamptz THEN control.rfc3339(s.previous_until) END
          AS previous_until,
        s.delivered_seq::text AS delivered_seq, control.rfc3339(s.delivered_at) AS delivered_at, s.tries,
        control.rfc3339(s.failing_since) AS failing_since, s.failure, s.status,
        control.rfc3339(s.next_at) AS next_at, control.rfc3339(s.stopped_at) AS stopped_at,
        (SELECT count(*)::integer FROM control.audit_stream_dead_letters d WHERE d.stream_id = s.id) AS dead_count,
        (SELECT coalesce(json_agg(json_build_object('first', d.first_seq, 'last', d.last_seq, 'failure', d.failure,
            'status', d.status, 'died_at', control.rfc3339(d.died_at), 'queued', d.queued_at IS NOT NULL)
            ORDER BY d.first_seq), '[]')
          FROM (SELECT * FROM control.audit_stream_dead_letters WHERE stream_id = s.id
            ORDER BY first_seq LIMIT ${deadLettersShownMax}) d) AS dead_letters
      FROM control.audit_streams s WHERE s.org_id = ${org}`,
    { readOnly: true },
  );
  return row === undefined ? null : streamOf(row);
}

function streamOf(row: Row): AuditStream {
  return {
    id: idOf("auditStream", row, "id"),
    url: textOf(row, "url"),
    format: formatOf(row),
    createdAt: textOf(row, "created_at"),
    previousUntil: textOrNull(row, "previous_until"),
    deliveredSeq: Number(textOf(row, "delivered_seq")),
    deliveredAt: textOrNull(row, "delivered_at"),
    tries: Number(row["tries"]),
    failingSince: textOrNull(row, "failing_since"),
    failure: textOrNull(row, "failure"),
    status: row["status"] === null ? null : Number(row["status"]),
    nextAt: textOf(row, "next_at"),
    stoppedAt: textOrNull(row, "stopped_at"),
    deadCount: Number(row["dead_count"]),
    deadLetters: (row["dead_letters"] as Row[]).map((dead) => ({
      firstSeq: Number(dead["first"]),
      lastSeq: Number(dead["last"]),
      failure: textOf(dead, "failure"),
      status: dead["status"] === null ? null : Number(dead["status"]),
      diedAt: textOf(dead, "died_at"),
      queued: booleanOf(dead, "queued"),
    })),
  };
}

/** The format in a row. @throws TypeError */
export function formatOf(row: Row): StreamFormat {
  const format = streamFormats.find((known) => known === row["format"]);
  if (format === undefined) throw new TypeError("column format is no format of a stream");
  return format;
}

export interface NewStream {
  readonly id: AuditStreamId;
  readonly url: string;
  readonly format: StreamFormat;
  readonly sealed: string;
  /** Entries after this one are streamed. */
  readonly fromSeq: number;
}

/** Makes the organisation's stream. @returns false: it has one */
export async function createAuditStream(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  { id, url, format, sealed, fromSeq }: NewStream,
): Promise<boolean> {
  const now = instant(write.nowMs);
  return await applyChange(
    database,
    write,
    scope,
    sql`INSERT INTO control.audit_streams (id, org_id, url, format, sealed, created_at, delivered_seq, next_at)
      VALUES (${id}, ${scope.org}, ${url}, ${format}, ${sealed}, ${now}::timestamptz, ${fromSeq}::bigint,
        ${now}::timestamptz) ON CONFLICT DO NOTHING RETURNING 1`,
  );
}

/**
 * Changes where and how it goes on; what was delivered stays delivered, and the failures were the other
 * destination's. @returns false: there is none
 */
export async function changeAuditStream(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  { url, format }: Pick<NewStream, "url" | "format">,
): Promise<boolean> {
  return await applyChange(
    database,
    write,
    scope,
    // The message under way ends where another format's may not; it is put together anew.
    sql`UPDATE control.audit_streams SET url = ${url}, format = ${format}, sending_seq = NULL,
        ${afresh(write)} WHERE org_id = ${scope.org} RETURNING 1`,
  );
}

/** Goes on now, whatever made it wait or stop. @returns false: there is none */
export async function resumeAuditStream(database: Database, write: WriteRequest, scope: OrgScope): Promise<boolean> {
  const change = sql`UPDATE control.audit_streams SET ${afresh(write)} WHERE org_id = ${scope.org} RETURNING 1`;
  return await applyChange(database, write, scope, change);
}

const afresh = ({ nowMs }: WriteRequest) => sql`tries = 0, failing_since = NULL, failure = NULL, status = NULL,
  stopped_at = NULL, claims = claims + 1, next_at = ${instant(nowMs)}::timestamptz`;

/** Removes it, and with it what was put aside. @returns false: there is none */
export async function removeAuditStream(database: Database, write: WriteRequest, scope: OrgScope): Promise<boolean> {
  const change = sql`DELETE FROM control.audit_streams WHERE org_id = ${scope.org} RETURNING 1`;
  return await applyChange(database, write, scope, change);
}

/**
 * Replaces the signing secret; the one before is good for {@link secretOverlapMs} more, the one before that no longer.
 * @returns when the one before ends; null: there is no such stream
 */
export async function rotateStreamSecret(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  id: AuditStreamId,
  sealed: string,
): Promise<string | null> {
  const until = instant(write.nowMs + secretOverlapMs);
  const [row] = await database.query(
    sql`WITH changed AS (
        UPDATE control.audit_streams SET previous_sealed = sealed, previous_until = ${until}::timestamptz,
          sealed = ${sealed}
        WHERE org_id = ${scope.org} AND id = ${id} RETURNING previous_until),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT control.rfc3339(previous_until) AS until FROM changed`,
  );
  return row === undefined ? null : textOf(row, "until");
}

/** Queues a message that was put aside, to be sent once more. @returns false: there is none that begins there */
export async function requeueDeadLetter(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  firstSeq: number,
): Promise<boolean> {
  const now = instant(write.nowMs);
  return await applyChange(
    database,
    write,
    scope,
    sql`UPDATE control.audit_stream_dead_letters d SET queued_at = ${now}::timestamptz
      FROM control.audit_streams s
      WHERE s.org_id = ${scope.org} AND d.stream_id = s.id AND d.first_seq = ${firstSeq}::bigint RETURNING 1`,
  );
}
