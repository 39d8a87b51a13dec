import type { OrgId, UserId } from "../../core/ids.ts";
import type { OrgState } from "../../core/tenancy/org-state.ts";
import type { MfaPolicy } from "../../core/tenancy/policy.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { booleanOf, idOf, roleOf, textOf, textOrNull } from "./columns.ts";
import { mfaPolicyColumns, mfaPolicyOf } from "./mfa-policy.ts";
import { stateOf } from "./org-state.ts";

export interface MembershipOfUser {
  readonly org: OrgId;
  readonly slug: string;
  readonly name: string;
  readonly role: Role;
  /** What the organisation asks of its members' second factors. */
  readonly mfa: MfaPolicy;
  readonly state: OrgState;
}

export interface Credentials {
  readonly id: UserId;
  readonly name: string;
  /** Null: signs in by other means alone. */
  readonly passwordHash: string | null;
  readonly disabled: boolean;
}

/**
 * The account of an address, or null. A registration that is not proven yet is no account: whoever made
 * one for somebody else's address could tell by another answer whether that address has an account.
 */
export async function findCredentials(database: Database, email: string): Promise<Credentials | null> {
  return credentialsRow(await database.query(credentialsStatement(email), { readOnly: true }));
}

/** {@link findCredentials} as a statement of somebody's transaction. */
export function credentialsStatement(email: string): Statement {
  return sql`SELECT id, name, password_hash, disabled_at IS NOT NULL AS disabled FROM control.users
    WHERE email = ${email}`;
}

/** What the rows of {@link credentialsStatement} say. */
export function credentialsRow([row]: readonly Row[]): Credentials | null {
  if (row === undefined) return null;
  return {
    id: idOf("user", row, "id"),
    name: textOf(row, "name"),
    passwordHash: textOrNull(row, "password_hash"),
    disabled: booleanOf(row, "disabled"),
  };
}

export interface Account {
  readonly email: string;
  readonly name: string;
  readonly disabled: boolean;
}

/** A person's account by its id; null: no such person, or a service account. */
export async function findAccount(database: Database, user: UserId): Promise<Account | null> {
  const [row] = await database.query(
    sql`SELECT email, name, disabled_at IS NOT NULL AS disabled FROM control.users
      WHERE id = ${user} AND kind = 'person'`,
    { readOnly: true },
  );
  if (row === undefined) return null;
  return { email: textOf(row, "email"), name: textOf(row, "name"), disabled: booleanOf(row, "disabled") };
}

/** Organisations of one person: bounds `GET /me`, a sign-out's fan-out and what one account can hold. */
export const membershipsPerUserMax = 100;

/** The organisations of a person who is not disabled there, by slug; those that are shut too, which say so. */
export async function membershipsOf(database: Database, user: UserId): Promise<MembershipOfUser[]> {
  return membershipsRows(await database.query(membershipsStatement(user), { readOnly: true }));
}

/** {@link membershipsOf} as a statement of somebody's transaction. */
export function membershipsStatement(user: UserId): Statement {
  return sql`SELECT o.id, o.slug, o.name, o.status, m.role, ${mfaPolicyColumns(sql`o.id`)}
    FROM control.memberships m JOIN control.organisations o ON o.id = m.org_id
    WHERE m.user_id = ${user} AND m.disabled_at IS NULL AND o.status <> 'provisioning' ORDER BY o.slug LIMIT ${membershipsPerUserMax}`;
}

/** What the rows of {@link membershipsStatement} say. */
export function membershipsRows(rows: readonly Row[]): MembershipOfUser[] {
  return rows.map(membershipOf);
}

function membershipOf(row: Row): MembershipOfUser {
  return {
    org: idOf("org", row, "id"),
    slug: textOf(row, "slug"),
    name: textOf(row, "name"),
    role: roleOf(row, "role"),
    mfa: mfaPolicyOf(row),
    state: stateOf(row, "status"),
  };
}
