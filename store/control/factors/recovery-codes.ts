import type { UserId } from "../../../core/ids.ts";
import { type Database, type Statement, sql } from "../../connect.ts";
import { instant, numberOf, textOrNull } from "../columns.ts";
import { applyChange, changeWithReceipt, hasChanged, receipt, type WriteRequest } from "../receipts.ts";

/** Puts a person's codes in place of all earlier ones. @param hashes SHA-256 of each, lower-case hex */
export async function replaceRecoveryCodes(
  database: Database,
  write: WriteRequest,
  user: UserId,
  hashes: readonly string[],
): Promise<void> {
  await database.transaction([
    // Two at once follow one another; the later one's codes are the ones that hold.
    sql`SELECT 1 FROM control.users WHERE id = ${user} FOR UPDATE`,
    sql`DELETE FROM control.recovery_codes WHERE user_id = ${user}`,
    insert(write, user, hashes),
    receipt(write, null),
  ]);
}

function insert(write: WriteRequest, user: UserId, hashes: readonly string[]): Statement {
  return sql`INSERT INTO control.recovery_codes (user_id, code_hash, created_at)
    SELECT ${user}, code_hash, ${instant(write.nowMs)}::timestamptz
    FROM jsonb_array_elements_text(${JSON.stringify(hashes)}::text::jsonb) AS code_hash`;
}

/** Puts down codes for somebody who has none; with their first factor. False when they have some, even used ones. */
export async function addFirstRecoveryCodes(
  database: Database,
  write: WriteRequest,
  user: UserId,
  hashes: readonly string[],
): Promise<boolean> {
  const [, rows] = await database.transaction([
    sql`SELECT 1 FROM control.users WHERE id = ${user} FOR UPDATE`,
    changeWithReceipt(
      write,
      null,
      sql`${insert(write, user, hashes)}
        WHERE NOT EXISTS (SELECT FROM control.recovery_codes WHERE user_id = ${user}) RETURNING 1`,
    ),
  ]);
  return hasChanged(rows);
}

/** Uses a code up. Of any number of requests with the same one exactly one gets true. */
export async function spendRecoveryCode(
  database: Database,
  write: WriteRequest,
  user: UserId,
  codeHash: string,
): Promise<boolean> {
  const change = sql`
    UPDATE control.recovery_codes SET used_at = ${instant(write.nowMs)}::timestamptz
    WHERE user_id = ${user} AND code_hash = ${codeHash} AND used_at IS NULL
      -- A code stands in for a factor; without one it is worth nothing.
      AND control.has_factor(user_id) RETURNING 1`;
  return applyChange(database, write, null, change);
}

/** How many codes are left and when they were made; null: never made. */
export async function recoveryCodesOf(
  database: Database,
  user: UserId,
): Promise<{ readonly remaining: number; readonly createdAt: string | null }> {
  const [row] = await database.query(
    sql`SELECT count(*) FILTER (WHERE used_at IS NULL)::integer AS remaining,
        control.rfc3339(max(created_at)) AS created_at
      FROM control.recovery_codes WHERE user_id = ${user}`,
    { readOnly: true },
  );
  if (row === undefined) return { remaining: 0, createdAt: null };
  return { remaining: numberOf(row, "remaining"), createdAt: textOrNull(row, "created_at") };
}
