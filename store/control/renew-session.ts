import type { SessionId, UserId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { booleanOf, instant } from "./columns.ts";
import { applyChange, receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { type MembershipOfUser, membershipsRows, membershipsStatement } from "./users.ts";

export interface RenewedSession {
  readonly session: SessionId;
  readonly user: UserId;
  /** A second factor was shown just now; once true in a session it stays so. */
  readonly mfa: boolean;
  /** SHA-256 of the session's secret from now on. */
  readonly secretHash: string;
}

/**
 * Marks a live session as proven just now, under another secret: the one before opens nothing any more.
 * @returns false when it ended meanwhile, or a factor was added to the account whose password alone was shown
 */
export async function proveSession(database: Database, write: WriteRequest, renewed: RenewedSession): Promise<boolean> {
  const now = instant(write.nowMs);
  const change = sql`
    UPDATE control.sessions SET proven_at = ${now}::timestamptz, last_seen_at = ${now}::timestamptz,
      mfa = mfa OR ${renewed.mfa}, secret_hash = ${renewed.secretHash}
    WHERE id = ${renewed.session} AND user_id = ${renewed.user} AND kind = 'person' AND ended_at IS NULL
    AND (${renewed.mfa}::boolean OR NOT control.has_factor(user_id))
    RETURNING 1`;
  return applyChange(database, write, null, change);
}

/**
 * Ends a live session with its refresh family and goes on in a new one, proven just now (ASVS 7.2.4). How
 * and when the person signed in stays: a proof does not lengthen the day after which both factors are asked
 * for again.
 * @returns null where {@link proveSession} says false; else the organisations that the person belongs to at this
 *   moment: each one's hub must have been told
 */
export async function replaceSession(
  database: Database,
  write: WriteRequest,
  renewed: RenewedSession & { readonly next: SessionId },
): Promise<MembershipOfUser[] | null> {
  const now = instant(write.nowMs);
  const [rows, memberships = []] = await database.transaction([
    sql`WITH changed AS (
        UPDATE control.sessions SET ended_at = ${now}::timestamptz
        WHERE id = ${renewed.session} AND user_id = ${renewed.user} AND kind = 'person' AND ended_at IS NULL
        AND (${renewed.mfa}::boolean OR NOT control.has_factor(user_id))
        RETURNING id, user_id, ip, user_agent, method, mfa, only_org, created_at, expires_at),
      revoked AS (
        UPDATE control.refresh_families SET revoked_at = ${now}::timestamptz
        WHERE session_id IN (SELECT id FROM changed) AND revoked_at IS NULL),
      begun AS (
        INSERT INTO control.sessions (id, user_id, secret_hash, ip, user_agent, method, mfa, only_org,
          created_at, last_seen_at, proven_at, expires_at)
        SELECT ${renewed.next}, user_id, ${renewed.secretHash}, ip, user_agent, method, mfa OR ${renewed.mfa}, only_org,
          created_at, ${now}::timestamptz, ${now}::timestamptz, expires_at FROM changed),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT EXISTS (SELECT FROM changed) AS renewed`,
    membershipsStatement(renewed.user),
  ]);
  return booleanOf(rows?.[0] ?? {}, "renewed") ? membershipsRows(memberships) : null;
}
