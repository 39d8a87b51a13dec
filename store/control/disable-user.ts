import type { OrgId, UserId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { booleanOf, idOf, instant } from "./columns.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";

export interface UserChange {
  readonly user: UserId;
  /** False when it was so before. */
  readonly changed: boolean;
}

/**
 * Disables a person on the whole platform, or lets them in again. The rows of their organisations are locked
 * as for a change of a member, so that nobody gives up being an owner for the sake of one who is going.
 * @returns null when no person has this address
 */
export async function setUserDisabled(
  database: Database,
  write: WriteRequest,
  target: { readonly email: string; readonly disabled: boolean },
): Promise<UserChange | null> {
  const now = instant(write.nowMs);
  const [, rows] = await database.transaction([
    sql`SELECT 1 FROM control.organisations WHERE id IN (
        SELECT m.org_id FROM control.memberships m JOIN control.users u ON u.id = m.user_id WHERE u.email = ${target.email})
      ORDER BY id FOR UPDATE`,
    sql`WITH changed AS (
        UPDATE control.users SET disabled_at = CASE WHEN ${target.disabled} THEN ${now}::timestamptz END
        WHERE email = ${target.email} AND kind = 'person' AND (disabled_at IS NOT NULL) <> ${target.disabled}
        RETURNING id),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT id, EXISTS (SELECT FROM changed) AS changed FROM control.users
      WHERE email = ${target.email} AND kind = 'person'`,
  ]);
  const row = rows?.[0];
  return row === undefined ? null : { user: idOf("user", row, "id"), changed: booleanOf(row, "changed") };
}

/** Organisations in which somebody is an owner, and nobody is who can act as one. */
export async function organisationsWithoutOwner(database: Database, user: UserId): Promise<OrgId[]> {
  const rows = await database.query(
    sql`SELECT o.org_id FROM control.memberships o
      WHERE o.user_id = ${user} AND o.role = 'owner' AND NOT EXISTS (
        SELECT FROM control.memberships m JOIN control.users u ON u.id = m.user_id
        WHERE m.org_id = o.org_id AND m.role = 'owner' AND m.disabled_at IS NULL AND u.disabled_at IS NULL)
      ORDER BY o.org_id`,
    { readOnly: true },
  );
  return rows.map((row) => idOf("org", row, "org_id"));
}
