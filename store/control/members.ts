import type { OrgId, UserId } from "../../core/ids.ts";
import { parseRole, type Role } from "../../core/tenancy/roles.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { booleanOf, idOf, roleOf, textOf } from "./columns.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";

export interface Member {
  readonly user: UserId;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: string;
}

/** Members by user id, above `after`; one more than `limit` tells that there is a next page. */
export async function listMembers(
  database: Database,
  org: OrgId,
  after: string | null,
  limit: number,
): Promise<Member[]> {
  const rows = await database.query(
    sql`SELECT m.user_id, u.email, u.name, m.role, control.rfc3339(m.created_at) AS created_at
      FROM control.memberships m JOIN control.users u ON u.id = m.user_id
      WHERE m.org_id = ${org} AND (${after}::text IS NULL OR m.user_id > ${after}::text)
      ORDER BY m.user_id LIMIT ${limit}`,
    { readOnly: true },
  );
  return rows.map(memberOf);
}

function memberOf(row: Row): Member {
  return {
    user: idOf("user", row, "user_id"),
    email: textOf(row, "email"),
    name: textOf(row, "name"),
    role: roleOf(row, "role"),
    createdAt: textOf(row, "created_at"),
  };
}

export type MemberChange =
  | { readonly kind: "changed"; readonly oldRole: Role }
  | { readonly kind: "not_found" }
  | { readonly kind: "forbidden" }
  | { readonly kind: "last_owner" };

export interface MemberTarget {
  readonly org: OrgId;
  readonly user: UserId;
  /** Who asks; their role is read again under the lock. */
  readonly actor: UserId;
}

/**
 * Gives a member another role. An organisation keeps an owner, and only owners make or unmake owners.
 *
 * The first statement locks the organisation's row, so that two demotions follow one another; the
 * second then sees (READ COMMITTED: a new snapshot) what the first one left.
 */
export function changeMemberRole(
  database: Database,
  write: WriteRequest,
  target: MemberTarget,
  newRole: Role,
): Promise<MemberChange> {
  const becomesOwner = newRole === "owner";
  const change = sql`UPDATE control.memberships m SET role = ${newRole} FROM allowed
    WHERE m.org_id = ${target.org} AND m.user_id = ${target.user}
      AND allowed.may AND (${becomesOwner} OR allowed.old_role <> 'owner' OR allowed.owners > 1) RETURNING 1`;
  return changeUnderLock(database, write, target, { change, becomesOwner });
}

/** Takes a member out, under the same rules as {@link changeMemberRole}. */
export function removeMember(database: Database, write: WriteRequest, target: MemberTarget): Promise<MemberChange> {
  const change = sql`DELETE FROM control.memberships m USING allowed
    WHERE m.org_id = ${target.org} AND m.user_id = ${target.user}
      AND allowed.may AND (allowed.old_role <> 'owner' OR allowed.owners > 1) RETURNING 1`;
  return changeUnderLock(database, write, target, { change, becomesOwner: false });
}

async function changeUnderLock(
  database: Database,
  write: WriteRequest,
  target: MemberTarget,
  wanted: { readonly change: Statement; readonly becomesOwner: boolean },
): Promise<MemberChange> {
  const { org, user, actor } = target;
  const [, rows] = await database.transaction([
    sql`SELECT 1 FROM control.organisations WHERE id = ${org} FOR UPDATE`,
    sql`WITH allowed AS (
        SELECT t.role AS old_role,
          (SELECT count(*) FROM control.memberships WHERE org_id = ${org} AND role = 'owner') AS owners,
          a.role = 'owner' OR (a.role = 'admin' AND t.role <> 'owner' AND NOT ${wanted.becomesOwner}) AS may
        FROM control.memberships t JOIN control.memberships a ON a.org_id = t.org_id AND a.user_id = ${actor}
        WHERE t.org_id = ${org} AND t.user_id = ${user}),
      changed AS (${wanted.change}),
      receipt AS (${receiptIfChanged(write, org)})
      SELECT old_role, may, EXISTS (SELECT FROM changed) AS changed FROM allowed`,
  ]);
  const row = rows?.[0];
  if (row === undefined) return { kind: "not_found" };
  if (booleanOf(row, "changed")) return { kind: "changed", oldRole: roleOf(row, "old_role") };
  return { kind: booleanOf(row, "may") ? "last_owner" : "forbidden" };
}

/** A person's role now, or null; what the hub is brought up to. */
export async function currentRole(database: Database, org: OrgId, user: UserId): Promise<Role | null> {
  const [row] = await database.query(
    sql`SELECT role FROM control.memberships WHERE org_id = ${org} AND user_id = ${user}`,
    { readOnly: true },
  );
  return row === undefined ? null : parseRole(row["role"]);
}
