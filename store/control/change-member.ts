import type { UserId } from "../../core/ids.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import { type Database, type Statement, sql } from "../connect.ts";
import { booleanOf, instant, roleOf } from "./columns.ts";
import { type Standing, standingRow, standingStatement } from "./members.ts";
import type { DoorScope, OrgScope } from "./org-scope.ts";
import { changeWithReceipt, hasChanged, receiptIfChanged, type WriteRequest } from "./receipts.ts";

export interface MemberState {
  readonly role: Role;
  readonly disabled: boolean;
}
export type MemberChange =
  | { readonly kind: "changed"; readonly before: MemberState; readonly after: MemberState }
  /** No person who is a member, or the actor is none any more. `standing`: what the hub is to know of them. */
  | { readonly kind: "not_found"; readonly standing: Standing }
  | { readonly kind: "forbidden" }
  | { readonly kind: "last_owner" };

export interface MemberTarget {
  readonly user: UserId;
  /** Who asks; what they are is read again under the lock. */
  readonly actor: UserId;
}

/** Null: as it was. */
export interface WantedState {
  readonly role: Role | null;
  readonly disabled: boolean | null;
}

/**
 * Locks the organisation's row, so that changes of its members follow one another: the statement behind it
 * sees (READ COMMITTED: a new snapshot) what the one before it left. Two owners can't take each other out.
 */
export function lockMembers({ org }: DoorScope): Statement {
  return sql`SELECT 1 FROM control.organisations WHERE id = ${org} FOR UPDATE`;
}

/** How many can act as owners now: neither the membership nor the person is disabled. */
export function actingOwners({ org }: OrgScope): Statement {
  return sql`SELECT m.user_id FROM control.memberships m JOIN control.users u ON u.id = m.user_id
    WHERE m.org_id = ${org} AND m.role = 'owner' AND m.disabled_at IS NULL AND u.disabled_at IS NULL`;
}

/**
 * Gives a member another role, disables them or lets them in again. An organisation keeps an owner who can
 * act as one, and only owners touch owners or make them. Service users are none of it: their role is
 * their key's, for good.
 */
export async function changeMember(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  target: MemberTarget,
  wanted: WantedState,
): Promise<MemberChange> {
  const { org } = scope;
  const { user, actor } = target;
  const now = instant(write.nowMs);
  const [, rows, standing = []] = await database.transaction([
    lockMembers(scope),
    sql`WITH acting AS (${actingOwners(scope)}),
      asked AS (
        SELECT t.role AS old_role, t.disabled_at IS NOT NULL AS old_disabled,
          coalesce(${wanted.role}::text, t.role) AS new_role,
          coalesce(${wanted.disabled}::boolean, t.disabled_at IS NOT NULL) AS new_disabled,
          a.role AS actor_role
        FROM control.memberships t JOIN control.users u ON u.id = t.user_id
          JOIN control.memberships a ON a.org_id = t.org_id AND a.user_id = ${actor} AND a.disabled_at IS NULL
        WHERE t.org_id = ${org} AND t.user_id = ${user} AND u.kind = 'person'),
      judged AS (
        SELECT asked.*,
          actor_role = 'owner' OR (actor_role = 'admin' AND old_role <> 'owner' AND new_role <> 'owner') AS may,
          (new_role = 'owner' AND NOT new_disabled) OR NOT EXISTS (SELECT FROM acting WHERE user_id = ${user})
            OR EXISTS (SELECT FROM acting WHERE user_id <> ${user}) AS owned
        FROM asked),
      changed AS (
        UPDATE control.memberships m SET role = new_role,
          disabled_at = CASE WHEN new_disabled THEN coalesce(m.disabled_at, ${now}::timestamptz) END
        FROM judged WHERE m.org_id = ${org} AND m.user_id = ${user} AND may AND owned RETURNING 1),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT judged.*, EXISTS (SELECT FROM changed) AS changed FROM judged`,
    standingStatement(scope, user),
  ]);
  const row = rows?.[0];
  if (row === undefined) return { kind: "not_found", standing: standingRow(standing) };
  if (!booleanOf(row, "may")) return { kind: "forbidden" };
  if (!booleanOf(row, "changed")) return { kind: "last_owner" };
  return {
    kind: "changed",
    before: { role: roleOf(row, "old_role"), disabled: booleanOf(row, "old_disabled") },
    after: { role: roleOf(row, "new_role"), disabled: booleanOf(row, "new_disabled") },
  };
}

/**
 * Takes out a member who is disabled: the last step of a removal, after everything that they had open was
 * closed. No owner is lost by it, because a disabled one counts as none.
 * @returns false when they have been let in again meanwhile, or are gone
 */
export async function deleteDisabledMember(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  user: UserId,
): Promise<boolean> {
  const [, rows] = await database.transaction([
    lockMembers(scope),
    changeWithReceipt(
      write,
      scope,
      sql`DELETE FROM control.memberships
        WHERE org_id = ${scope.org} AND user_id = ${user} AND disabled_at IS NOT NULL RETURNING 1`,
    ),
  ]);
  return hasChanged(rows);
}
