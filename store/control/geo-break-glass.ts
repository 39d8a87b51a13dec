import type { UserId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { idOf, instant, textOf, textOrNull } from "./columns.ts";
import { raisedFrom } from "./geo-policies.ts";
import type { DoorScope, OrgScope } from "./org-scope.ts";
import { applyChange, receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { unfinishedScope } from "./scope-makers.ts";

/** Puts a new code in place of the one there was. What an earlier one opened stays open until its time. */
export async function putBreakGlassCode(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  made: { readonly by: UserId; readonly codeHash: string },
): Promise<void> {
  await applyChange(
    database,
    write,
    scope,
    sql`INSERT INTO control.geo_break_glass (org_id, code_hash, created_by, created_at)
      VALUES (${scope.org}, ${made.codeHash}, ${made.by}, ${instant(write.nowMs)}::timestamptz)
      ON CONFLICT (org_id) DO UPDATE SET code_hash = excluded.code_hash, created_by = excluded.created_by,
        created_at = excluded.created_at, used_at = NULL
      RETURNING 1`,
  );
}

export interface BreakGlassState {
  /** RFC 3339; null: there is none. */
  readonly createdAt: string | null;
  readonly usedAt: string | null;
}

export async function breakGlassState(database: Database, { org }: OrgScope): Promise<BreakGlassState> {
  const [row] = await database.query(
    sql`SELECT control.rfc3339(created_at) AS created_at, control.rfc3339(used_at) AS used_at
      FROM control.geo_break_glass WHERE org_id = ${org}`,
    { readOnly: true },
  );
  if (row === undefined) return { createdAt: null, usedAt: null };
  return { createdAt: textOf(row, "created_at"), usedAt: textOrNull(row, "used_at") };
}

/**
 * Uses a code up: the dashboard of its organisation opens to one country for a while. Of any number of requests with
 * the same code exactly one gets an answer other than null.
 * @returns the owners' addresses, to tell them, and what spreading the policy takes; null for a wrong or a used code
 */
export async function breakGlass(
  database: Database,
  write: WriteRequest,
  door: DoorScope,
  use: { readonly codeHash: string; readonly country: string; readonly untilMs: number },
): Promise<{ readonly scope: OrgScope; readonly owners: readonly string[] } | null> {
  const rows = await database.query(
    sql`WITH used AS (
        UPDATE control.geo_break_glass SET used_at = ${instant(write.nowMs)}::timestamptz,
          opened_country = ${use.country}, opened_until = ${instant(use.untilMs)}::timestamptz
        WHERE org_id = ${door.org} AND code_hash = ${use.codeHash} AND used_at IS NULL RETURNING org_id),
      ${raisedFrom(sql`used`)},
      receipt AS (${receiptIfChanged(write, sql`SELECT org_id FROM used`)})
      SELECT changed.org_id, u.email FROM changed
      LEFT JOIN (control.memberships m JOIN control.users u ON u.id = m.user_id)
        ON m.org_id = changed.org_id AND m.role = 'owner' AND m.disabled_at IS NULL AND u.email IS NOT NULL
          AND u.disabled_at IS NULL`,
  );
  const [first] = rows;
  if (first === undefined) return null;
  const owners = rows.flatMap((row) => textOrNull(row, "email") ?? []);
  return { scope: unfinishedScope(idOf("org", first, "org_id")), owners };
}
