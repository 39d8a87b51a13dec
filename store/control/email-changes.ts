import type { UserId } from "../../core/ids.ts";
import { type Database, DatabaseError, type Row, type Statement, sql, sqlState } from "../connect.ts";
import { booleanOf, idOf, instant, textOf } from "./columns.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";

export interface NewEmailChange {
  readonly user: UserId;
  readonly newEmail: string;
  /** Lower-case hex SHA-256 of the token that goes to the address they have. */
  readonly oldTokenHash: string;
  /** … and of the one that goes to the new address. */
  readonly newTokenHash: string;
  readonly expiresAtMs: number;
}

/** How often a person may ask while a change is open: each time, a mail goes to an address that may be a stranger's. */
export const emailChangesOpenMax = 5;

/**
 * Keeps a change of address until both addresses have agreed; it takes the place of one that was open.
 * @returns null when it was asked for too often; else whether the new address has an account already, which
 *   only its own mailbox is told
 */
export async function beginEmailChange(
  database: Database,
  write: WriteRequest,
  change: NewEmailChange,
): Promise<{ readonly taken: boolean } | null> {
  const now = instant(write.nowMs);
  const { user, newEmail, oldTokenHash, newTokenHash } = change;
  const [row] = await database.query(
    sql`WITH changed AS (
        INSERT INTO control.email_changes AS c
          (user_id, new_email, old_token_hash, new_token_hash, created_at, expires_at)
        VALUES (${user}, ${newEmail}, ${oldTokenHash}, ${newTokenHash}, ${now}::timestamptz,
          ${instant(change.expiresAtMs)}::timestamptz)
        ON CONFLICT (user_id) DO UPDATE SET
          new_email = excluded.new_email, old_token_hash = excluded.old_token_hash,
          new_token_hash = excluded.new_token_hash, old_confirmed_at = NULL, new_confirmed_at = NULL,
          times = CASE WHEN c.expires_at < ${now}::timestamptz THEN 1 ELSE c.times + 1 END,
          -- The first one's: asking again must not keep the count from ending.
          expires_at = CASE WHEN c.expires_at < ${now}::timestamptz THEN excluded.expires_at ELSE c.expires_at END
        WHERE c.expires_at < ${now}::timestamptz OR c.times < ${emailChangesOpenMax}
        RETURNING 1),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT EXISTS (SELECT FROM changed) AS accepted,
        EXISTS (SELECT FROM control.users WHERE email = ${newEmail}) AS taken`,
  );
  if (row === undefined || !booleanOf(row, "accepted")) return null;
  return { taken: booleanOf(row, "taken") };
}

export type EmailConfirmation =
  /** Unknown, spent, expired, or the other address has got an account meanwhile. */
  | { readonly kind: "refused" }
  /** The other address has not agreed yet. */
  | { readonly kind: "waiting" }
  | { readonly kind: "changed"; readonly user: UserId; readonly oldEmail: string; readonly newEmail: string };

/** One address agrees; when both have, the person has the new one. What was mailed to the old one opens nothing then. */
export async function confirmEmailChange(
  database: Database,
  write: WriteRequest,
  tokenHash: string,
): Promise<EmailConfirmation> {
  try {
    const [confirmed, changed] = await database.transaction(statements(write, tokenHash));
    if (confirmed?.[0] === undefined) return { kind: "refused" };
    const row = changed?.[0];
    if (row !== undefined) return changedOf(row);
    return booleanOf(confirmed[0], "agreed") ? { kind: "refused" } : { kind: "waiting" };
  } catch (error) {
    // Somebody else proved the address in the same moment.
    if (error instanceof DatabaseError && error.code === sqlState.uniqueViolation) return { kind: "refused" };
    throw error;
  }
}

function changedOf(row: Row): EmailConfirmation {
  return {
    kind: "changed",
    user: idOf("user", row, "user_id"),
    oldEmail: textOf(row, "old_email"),
    newEmail: textOf(row, "new_email"),
  };
}

function statements(write: WriteRequest, tokenHash: string): Statement[] {
  const now = instant(write.nowMs);
  const agreed = sql`c.old_confirmed_at IS NOT NULL AND c.new_confirmed_at IS NOT NULL`;
  const ofToken = sql`${tokenHash}::text IN (c.old_token_hash, c.new_token_hash) AND c.expires_at > ${now}::timestamptz`;
  return [
    // The row is locked here, so that of two confirmations at once the later one sees the other.
    sql`WITH changed AS (
        UPDATE control.email_changes c SET
          old_confirmed_at = CASE WHEN c.old_token_hash = ${tokenHash} THEN ${now}::timestamptz ELSE c.old_confirmed_at END,
          new_confirmed_at = CASE WHEN c.new_token_hash = ${tokenHash} THEN ${now}::timestamptz ELSE c.new_confirmed_at END
        WHERE ${ofToken} RETURNING ${agreed} AS agreed),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT agreed FROM changed`,
    sql`WITH due AS (
        SELECT c.user_id, c.new_email, u.email AS old_email
        FROM control.email_changes c JOIN control.users u ON u.id = c.user_id
        WHERE ${ofToken} AND ${agreed} AND u.disabled_at IS NULL
          AND NOT EXISTS (SELECT FROM control.users o WHERE o.email = c.new_email)
        FOR UPDATE OF u),
      changed AS (
        UPDATE control.users SET email = due.new_email FROM due WHERE id = due.user_id),
      resets AS (DELETE FROM control.password_resets WHERE user_id IN (SELECT user_id FROM due)),
      registrations AS (DELETE FROM control.registrations WHERE email IN (SELECT new_email FROM due))
      SELECT user_id, old_email, new_email FROM due`,
    // Done, or no longer possible: it can't be asked again with the same link.
    sql`DELETE FROM control.email_changes c WHERE ${ofToken} AND ${agreed}`,
  ];
}
