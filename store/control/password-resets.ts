import type { SessionId, UserId } from "../../core/ids.ts";
import { type Database, type Statement, sql } from "../connect.ts";
import { booleanOf, idOf, instant, textOf } from "./columns.ts";
import { type EndedSessions, endedSessionOf, endSessions } from "./end-sessions.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { membershipsRows, membershipsStatement } from "./users.ts";

export interface NewPasswordReset {
  /** Lower-case hex SHA-256 of the token in the mail. */
  readonly tokenHash: string;
  readonly email: string;
  /** Keyed hash of the address, lower-case hex. */
  readonly addressHash: string;
  readonly expiresAtMs: number;
}

/** Links to one address in an hour: enough for a lost one, too few to fill a stranger's mailbox. */
export const resetsPerAddressMax = 5;
const hourMs = 3600_000;
/** Rows whose hour is over that one request sweeps away. */
const sweptMax = 20;

/**
 * Keeps a reset until its link is opened. The same statements, with a row written, whether or not the
 * address has an account, so that the time tells nothing; a row of nobody opens nothing.
 * @returns true when the link is to be mailed: there is somebody, and it is not too many
 */
export async function addPasswordReset(
  database: Database,
  write: WriteRequest,
  reset: NewPasswordReset,
): Promise<boolean> {
  const now = instant(write.nowMs);
  const anHourAgo = instant(write.nowMs - hourMs);
  const { tokenHash, email, addressHash, expiresAtMs } = reset;
  const [, rows] = await database.transaction([
    sql`DELETE FROM control.password_resets WHERE token_hash IN
      (SELECT token_hash FROM control.password_resets WHERE created_at < ${anHourAgo}::timestamptz LIMIT ${sweptMax})`,
    sql`WITH changed AS (
        INSERT INTO control.password_resets (token_hash, address_hash, user_id, created_at, expires_at)
        SELECT ${tokenHash}, ${addressHash},
          (SELECT id FROM control.users WHERE email = ${email} AND kind = 'person' AND disabled_at IS NULL),
          ${now}::timestamptz, ${instant(expiresAtMs)}::timestamptz
        WHERE (SELECT count(*) FROM control.password_resets
          WHERE address_hash = ${addressHash} AND created_at >= ${anHourAgo}::timestamptz) < ${resetsPerAddressMax}
        RETURNING user_id),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT EXISTS (SELECT FROM changed WHERE user_id IS NOT NULL) AS mailed`,
  ]);
  return booleanOf(rows?.[0] ?? {}, "mailed");
}

/** Whose password an open reset is for, and what is known of them. */
export interface OpenPasswordReset {
  readonly user: UserId;
  readonly email: string;
  readonly name: string;
}

/** Null for a token that is unknown, spent, expired, of nobody, or of somebody who was disabled since. */
export async function findPasswordReset(
  database: Database,
  tokenHash: string,
  nowMs: number,
): Promise<OpenPasswordReset | null> {
  const [row] = await database.query(
    sql`SELECT u.id, u.email, u.name FROM control.password_resets r JOIN control.users u ON u.id = r.user_id
      WHERE r.token_hash = ${tokenHash} AND r.expires_at > ${instant(nowMs)}::timestamptz AND u.disabled_at IS NULL`,
    { readOnly: true },
  );
  if (row === undefined) return null;
  return { user: idOf("user", row, "id"), email: textOf(row, "email"), name: textOf(row, "name") };
}

export interface NewPassword {
  readonly user: UserId;
  readonly hash: string;
  /** It is too short to stand alone. */
  readonly needsFactor: boolean;
  /** The one session that stays. */
  readonly except: SessionId | null;
  /** What allows it: an open reset, or that the old hash is still the one that was checked. */
  readonly by: { readonly tokenHash: string } | { readonly oldHash: string | null };
}

/**
 * Sets a person's password, once for each token; open resets, waiting changes of address and the sessions
 * that began with the old password end in the same transaction.
 * @returns null when it was not allowed, and then nothing has changed
 */
export async function setPassword(
  database: Database,
  write: WriteRequest,
  password: NewPassword,
): Promise<EndedSessions | null> {
  const { user, by } = password;
  const now = instant(write.nowMs);
  const allowed: Statement =
    "tokenHash" in by ? sql`EXISTS (SELECT FROM spent)` : sql`u.password_hash IS NOT DISTINCT FROM ${by.oldHash}::text`;
  const tokenHash = "tokenHash" in by ? by.tokenHash : null;
  const [, changed, , , ended = [], memberships = []] = await database.transaction([
    // Waits for sessions of theirs that are being inserted, and they for this (`isSuperseded`).
    sql`SELECT 1 FROM control.users WHERE id = ${user} FOR UPDATE`,
    sql`WITH spent AS (
        DELETE FROM control.password_resets
        WHERE token_hash = ${tokenHash}::text AND user_id = ${user} AND expires_at > ${now}::timestamptz RETURNING 1),
      changed AS (
        UPDATE control.users u SET password_hash = ${password.hash}, password_needs_factor = ${password.needsFactor}
        WHERE u.id = ${user} AND u.disabled_at IS NULL AND ${allowed} RETURNING 1),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT EXISTS (SELECT FROM changed) AS changed`,
    // Whoever could ask for them could ask with what was the password until now.
    sql`DELETE FROM control.password_resets WHERE user_id = ${user} AND ${isCurrent(password)}`,
    sql`DELETE FROM control.email_changes WHERE user_id = ${user} AND ${isCurrent(password)}`,
    endSessions(write, password, isCurrent(password)),
    membershipsStatement(user),
  ]);
  if (!booleanOf(changed?.[0] ?? {}, "changed")) return null;
  return { sessions: ended.map(endedSessionOf), memberships: membershipsRows(memberships) };
}

/** The statement before has set it; a salted hash is like no other. */
function isCurrent({ user, hash }: NewPassword): Statement {
  return sql`EXISTS (SELECT FROM control.users WHERE id = ${user} AND password_hash = ${hash})`;
}
