import type { SessionId, UserId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { booleanOf, instant } from "./columns.ts";
import { applyChange, receiptIfChanged, type WriteRequest } from "./receipts.ts";

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
 * @returns false when it ended meanwhile
 */
export async function proveSession(database: Database, write: WriteRequest, renewed: RenewedSession): Promise<boolean> {
  const now = instant(write.nowMs);
  const change = sql`
    UPDATE control.sessions SET proven_at = ${now}::timestamptz, last_seen_at = ${now}::timestamptz,
      mfa = mfa OR ${renewed.mfa}, secret_hash = ${renewed.secretHash}
    WHERE id = ${renewed.session} AND user_id = ${renewed.user} AND kind = 'person' AND ended_at IS NULL
    RETURNING 1`;
  return applyChange(database, write, null, change);
}

/**
 * Ends a live session with its refresh family and goes on in a new one, proven just now (ASVS 7.2.4). How
 * and when the person signed in stays: a proof does not lengthen the day after which both factors are asked
 * for again. @returns false when it ended meanwhile
 */
export async function replaceSession(
  database: Database,
  write: WriteRequest,
  renewed: RenewedSession & { readonly next: SessionId },
): Promise<boolean> {
  const now = instant(write.nowMs);
  const [row] = await database.query(
    sql`WITH changed AS (
        UPDATE control.sessions SET ended_at = ${now}::timestamptz
        WHERE id = ${renewed.session} AND user_id = ${renewed.user} AND kind = 'person' AND ended_at IS NULL
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
  );
  return row !== undefined && booleanOf(row, "renewed");
}
