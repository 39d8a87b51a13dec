import type { UserId } from "../../core/ids.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { booleanOf, idOf, roleOf, textOf, textOrNull } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";

/** People, or the service users that API keys speak for. */
export type MemberKind = "person" | "service";

export interface Member {
  readonly user: UserId;
  /** Null for a service user. */
  readonly email: string | null;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: string;
  /** Since when they are shut out, here or from the whole platform; null: they are not. */
  readonly disabledAt: string | null;
}

/** Members of one kind by user id, above `after`; one more than `limit` tells that there is a next page. */
export async function listMembers(
  database: Database,
  { org }: OrgScope,
  page: { readonly kind: MemberKind; readonly after: string | null; readonly limit: number },
): Promise<Member[]> {
  const rows = await database.query(
    sql`SELECT m.user_id, u.email, u.name, m.role, control.rfc3339(m.created_at) AS created_at,
        control.rfc3339(least(m.disabled_at, u.disabled_at)) AS disabled_at
      FROM control.memberships m JOIN control.users u ON u.id = m.user_id
      WHERE m.org_id = ${org} AND u.kind = ${page.kind} AND (${page.after}::text IS NULL OR m.user_id > ${page.after}::text)
      ORDER BY m.user_id LIMIT ${page.limit}`,
    { readOnly: true },
  );
  return rows.map(memberOf);
}

function memberOf(row: Row): Member {
  return {
    user: idOf("user", row, "user_id"),
    email: textOrNull(row, "email"),
    name: textOf(row, "name"),
    role: roleOf(row, "role"),
    createdAt: textOf(row, "created_at"),
    disabledAt: textOrNull(row, "disabled_at"),
  };
}

/** What the hub and the groups are brought up to. */
export interface Standing {
  /** Null for who is no member, or disabled. */
  readonly role: Role | null;
  /** True for a disabled member too: their groups wait for them. */
  readonly member: boolean;
}

/** What somebody is in an organisation now. Who is disabled on the whole platform is told apart by their sessions. */
export async function currentStanding(database: Database, scope: OrgScope, user: UserId): Promise<Standing> {
  return standingRow(await database.query(standingStatement(scope, user), { readOnly: true }));
}

/** {@link currentStanding} as a statement of somebody's transaction. */
export function standingStatement({ org }: OrgScope, user: UserId): Statement {
  return sql`SELECT role, disabled_at IS NOT NULL AS disabled FROM control.memberships
    WHERE org_id = ${org} AND user_id = ${user}`;
}

/** What the rows of {@link standingStatement} say. */
export function standingRow([row]: readonly Row[]): Standing {
  if (row === undefined) return { role: null, member: false };
  return { role: booleanOf(row, "disabled") ? null : roleOf(row, "role"), member: true };
}

/** Whether `actor` may end the sessions of `user`: an owner anybody's, an admin those of whoever is no owner. */
export async function mayEndSessions(
  database: Database,
  { org }: OrgScope,
  target: { readonly user: UserId; readonly actor: UserId },
): Promise<"may" | "forbidden" | "not_found"> {
  const [row] = await database.query(
    sql`SELECT a.role = 'owner' OR (a.role = 'admin' AND t.role <> 'owner') AS may
      FROM control.memberships t JOIN control.users u ON u.id = t.user_id
        JOIN control.memberships a ON a.org_id = t.org_id AND a.user_id = ${target.actor} AND a.disabled_at IS NULL
      WHERE t.org_id = ${org} AND t.user_id = ${target.user} AND u.kind = 'person'`,
    { readOnly: true },
  );
  if (row === undefined) return "not_found";
  return booleanOf(row, "may") ? "may" : "forbidden";
}
