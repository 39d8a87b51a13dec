import type { SessionId, UserId } from "../../core/ids.ts";
import { accessTokenSecondsMax } from "../../core/limits.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { idOf, instant } from "./columns.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { type MembershipOfUser, membershipsRows, membershipsStatement } from "./users.ts";

/** `last_seen_at` lags by a minute at most, and clocks by less than another. In milliseconds. */
const slackMs = 2 * 60_000;

/**
 * Ends a person's sessions with their refresh families, and forgets what they had begun and not finished
 * (a sign-in that waits for its second factor passed its first step before this).
 * @param target.except the one session that stays, or null
 * @returns those whose access tokens may not have expired yet, also ones that had ended before: whoever asks
 * again, because a hub could not be told, tells it the same; and whose hubs they are
 */
export async function endSessionsOf(
  database: Database,
  write: WriteRequest,
  target: { readonly user: UserId; readonly except: SessionId | null },
): Promise<EndedSessions> {
  const [ended = [], memberships = []] = await database.transaction([
    endSessions(write, target),
    membershipsStatement(target.user),
  ]);
  return { sessions: ended.map(endedSessionOf), memberships: membershipsRows(memberships) };
}

/** Sessions that hubs must be told of, and the organisations that their person belongs to at that moment. */
export interface EndedSessions {
  readonly sessions: readonly SessionId[];
  readonly memberships: readonly MembershipOfUser[];
}

/** The session of a row of {@link endSessions}. */
export function endedSessionOf(row: Row): SessionId {
  return idOf("session", row, "id");
}

/** {@link endSessionsOf} as a statement of somebody's transaction. @param only a condition of that transaction */
export function endSessions(
  write: WriteRequest,
  target: { readonly user: UserId; readonly except: SessionId | null },
  only: Statement = sql`true`,
): Statement {
  const now = instant(write.nowMs);
  const since = instant(write.nowMs - accessTokenSecondsMax * 1000 - slackMs);
  return sql`WITH changed AS (
        UPDATE control.sessions SET ended_at = ${now}::timestamptz
        WHERE ${only} AND user_id = ${target.user} AND kind = 'person' AND ended_at IS NULL
          AND id IS DISTINCT FROM ${target.except}::text RETURNING id),
      revoked AS (
        UPDATE control.refresh_families SET revoked_at = ${now}::timestamptz
        WHERE session_id IN (SELECT id FROM changed) AND revoked_at IS NULL),
      forgotten AS (
        DELETE FROM control.ceremonies WHERE ${only} AND user_id = ${target.user}
          AND (${target.except}::text IS NULL OR session_id IS DISTINCT FROM ${target.except}::text)),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT id FROM control.sessions
      WHERE user_id = ${target.user} AND kind = 'person' AND id IS DISTINCT FROM ${target.except}::text
        AND (ended_at IS NULL OR ended_at > ${since}::timestamptz) AND last_seen_at > ${since}::timestamptz
      ORDER BY id DESC`;
}
