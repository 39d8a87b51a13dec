import type { SessionId, UserId } from "../../core/ids.ts";
import { accessTokenSecondsMax } from "../../core/limits.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { idOf, instant } from "./columns.ts";

/** Ended sessions that are told at once: each is a sign-out within the hour. */
const recentlyEndedMax = 200;

/** A person's sessions that ended within a token's life, newest first: tokens of theirs may not have expired yet. */
export async function recentlyEnded(database: Database, user: UserId, nowMs: number): Promise<SessionId[]> {
  return recentlyEndedOf(await database.query(recentlyEndedStatement(user, nowMs), { readOnly: true }));
}

/** {@link recentlyEnded} as a statement of somebody's transaction. */
export function recentlyEndedStatement(user: UserId, nowMs: number): Statement {
  return sql`SELECT id FROM control.sessions
    WHERE user_id = ${user} AND ended_at > ${instant(nowMs - accessTokenSecondsMax * 1000)}::timestamptz
    ORDER BY ended_at DESC LIMIT ${recentlyEndedMax}`;
}

/** What the rows of {@link recentlyEndedStatement} say. */
export function recentlyEndedOf(rows: readonly Row[]): SessionId[] {
  return rows.map((row) => idOf("session", row, "id"));
}
