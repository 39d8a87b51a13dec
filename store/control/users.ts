import type { OrgId, UserId } from "../../core/ids.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import { type Database, type Row, sql } from "../connect.ts";
import { booleanOf, idOf, instant, roleOf, textOf } from "./columns.ts";

export interface MembershipOfUser {
  readonly org: OrgId;
  readonly slug: string;
  readonly name: string;
  readonly role: Role;
}

export type Credentials =
  | {
      readonly kind: "user";
      readonly id: UserId;
      readonly name: string;
      readonly passwordHash: string;
      readonly disabled: boolean;
    }
  | { readonly kind: "unverified"; readonly passwordHash: string }
  | { readonly kind: "unknown" };

/** The password to check for an address: an account's, else the newest open registration's. One query either way. */
export async function findCredentials(database: Database, email: string, nowMs: number): Promise<Credentials> {
  const [row] = await database.query(
    sql`SELECT 1 AS rank, id, name, password_hash, disabled_at IS NOT NULL AS disabled FROM control.users WHERE email = ${email}
      UNION ALL (SELECT 2, NULL, name, password_hash, false FROM control.registrations
        WHERE email = ${email} AND expires_at >= ${instant(nowMs)}::timestamptz ORDER BY created_at DESC LIMIT 1)
      ORDER BY rank LIMIT 1`,
    { readOnly: true },
  );
  if (row === undefined) return { kind: "unknown" };
  const passwordHash = textOf(row, "password_hash");
  if (row["id"] === null) return { kind: "unverified", passwordHash };
  return {
    kind: "user",
    id: idOf("user", row, "id"),
    name: textOf(row, "name"),
    passwordHash,
    disabled: booleanOf(row, "disabled"),
  };
}

/** Organisations of one person: bounds `GET /me`, a sign-out's fan-out and what one account can hold. */
export const membershipsPerUserMax = 100;

/** The active organisations of a person, by slug. */
export async function membershipsOf(database: Database, user: UserId): Promise<MembershipOfUser[]> {
  const rows = await database.query(
    sql`SELECT o.id, o.slug, o.name, m.role FROM control.memberships m JOIN control.organisations o ON o.id = m.org_id
      WHERE m.user_id = ${user} AND o.status = 'active' ORDER BY o.slug LIMIT ${membershipsPerUserMax}`,
    { readOnly: true },
  );
  return rows.map(membershipOf);
}

function membershipOf(row: Row): MembershipOfUser {
  return {
    org: idOf("org", row, "id"),
    slug: textOf(row, "slug"),
    name: textOf(row, "name"),
    role: roleOf(row, "role"),
  };
}
