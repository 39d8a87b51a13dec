import type { InvitationId, UserId } from "../../core/ids.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import { type Database, type Row, sql } from "../connect.ts";
import { lockMembers } from "./change-member.ts";
import { booleanOf, idOf, instant, roleOf, textOf } from "./columns.ts";
import type { DoorScope, OrgScope } from "./org-scope.ts";
import { hasRoomForMember } from "./quotas.ts";
import { applyChange, receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { doorScope, joinedScope } from "./scope-makers.ts";
import { membershipsPerUserMax } from "./users.ts";

/** Open invitations of one organisation: bounds the mail that one administrator can send. */
export const openInvitationsMax = 500;
/**
 * Invitations of one address by one organisation in a day, withdrawn ones too, because each was a mail:
 * enough for a lost one, too few to fill a stranger's mailbox.
 */
export const invitationsPerAddressMax = 5;
const dayMs = 24 * 3600_000;

export interface NewInvitation {
  readonly id: InvitationId;
  readonly email: string;
  readonly role: Role;
  readonly invitedBy: UserId;
  readonly tokenHash: string;
  readonly expiresAtMs: number;
}
export interface Invitation {
  readonly id: InvitationId;
  readonly email: string;
  readonly role: Role;
  readonly invitedBy: UserId;
  readonly createdAt: string;
  readonly expiresAt: string;
}

/**
 * Stores an invitation; earlier open ones of the same address are withdrawn by it. The inviter's role
 * is looked at in the statement itself: only owners invite owners.
 */
export async function addInvitation(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  invitation: NewInvitation,
): Promise<
  | { readonly kind: "added"; readonly invitation: Invitation }
  | { readonly kind: "forbidden" }
  | { readonly kind: "conflict" }
> {
  const now = instant(write.nowMs);
  const { org } = scope;
  const { id, email, role, invitedBy, tokenHash } = invitation;
  const [row] = await database.query(
    sql`WITH allowed AS (
        SELECT EXISTS (SELECT FROM control.memberships WHERE org_id = ${org} AND user_id = ${invitedBy}
            AND disabled_at IS NULL AND (role = 'owner' OR (role = 'admin' AND ${role}::text <> 'owner'))) AS may,
          NOT EXISTS (SELECT FROM control.memberships m JOIN control.users u ON u.id = m.user_id
            WHERE m.org_id = ${org} AND u.email = ${email})
          AND (SELECT count(*) FROM control.invitations WHERE org_id = ${org} AND accepted_at IS NULL
            AND revoked_at IS NULL AND expires_at > ${now}::timestamptz) < ${openInvitationsMax}
          AND (SELECT count(*) FROM control.invitations WHERE org_id = ${org} AND email = ${email}
            AND created_at > ${instant(write.nowMs - dayMs)}::timestamptz) < ${invitationsPerAddressMax} AS fits),
      withdrawn AS (
        UPDATE control.invitations SET revoked_at = ${now}::timestamptz FROM allowed
        WHERE may AND fits AND org_id = ${org} AND email = ${email} AND accepted_at IS NULL AND revoked_at IS NULL),
      changed AS (
        INSERT INTO control.invitations (id, org_id, email, role, invited_by, token_hash, created_at, expires_at)
        SELECT ${id}, ${org}, ${email}, ${role}, ${invitedBy}, ${tokenHash}, ${now}::timestamptz,
          ${instant(invitation.expiresAtMs)}::timestamptz FROM allowed WHERE may AND fits RETURNING 1),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT may, EXISTS (SELECT FROM changed) AS added FROM allowed`,
  );
  if (row === undefined || !booleanOf(row, "may")) return { kind: "forbidden" };
  if (!booleanOf(row, "added")) return { kind: "conflict" };
  const createdAt = now;
  const expiresAt = instant(invitation.expiresAtMs);
  return { kind: "added", invitation: { id, email, role, invitedBy, createdAt, expiresAt } };
}

/** Open invitations, oldest first, above `after`. */
export async function listInvitations(
  database: Database,
  { org }: OrgScope,
  page: { readonly after: string | null; readonly limit: number; readonly nowMs: number },
): Promise<Invitation[]> {
  const rows = await database.query(
    sql`SELECT id, email, role, invited_by, control.rfc3339(created_at) AS created_at,
        control.rfc3339(expires_at) AS expires_at
      FROM control.invitations
      WHERE org_id = ${org} AND accepted_at IS NULL AND revoked_at IS NULL
        AND expires_at > ${instant(page.nowMs)}::timestamptz
        AND (${page.after}::text IS NULL OR id > ${page.after}::text)
      ORDER BY id LIMIT ${page.limit}`,
    { readOnly: true },
  );
  return rows.map(invitationOf);
}

function invitationOf(row: Row): Invitation {
  return {
    id: idOf("invitation", row, "id"),
    email: textOf(row, "email"),
    role: roleOf(row, "role"),
    invitedBy: idOf("user", row, "invited_by"),
    createdAt: textOf(row, "created_at"),
    expiresAt: textOf(row, "expires_at"),
  };
}

/** Withdraws an open invitation. False when there is none. */
export async function revokeInvitation(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  id: InvitationId,
): Promise<boolean> {
  const now = instant(write.nowMs);
  const change = sql`
    UPDATE control.invitations SET revoked_at = ${now}::timestamptz
    WHERE id = ${id} AND org_id = ${scope.org} AND accepted_at IS NULL AND revoked_at IS NULL
      AND expires_at > ${now}::timestamptz RETURNING 1`;
  return applyChange(database, write, scope, change);
}

/** Which organisation's log an acceptance belongs to; null for a token that is not one. */
export async function organisationOfInvitation(database: Database, tokenHash: string): Promise<DoorScope | null> {
  const [row] = await database.query(
    sql`SELECT i.org_id FROM control.invitations i JOIN control.organisations o ON o.id = i.org_id
      WHERE i.token_hash = ${tokenHash} AND o.status = 'active'`,
    { readOnly: true },
  );
  return row === undefined ? null : doorScope(idOf("org", row, "org_id"));
}

export interface Acceptance {
  readonly scope: OrgScope;
  readonly slug: string;
  readonly name: string;
  readonly role: Role;
}

/**
 * Redeems an invitation into a membership, once: concurrent attempts serialise on the row. It must be
 * open, made for this address, its maker must still have the right to make it, and the plan must have room: of
 * a crowd that accepts at the same moment, no more get in than that (the lock).
 */
export async function acceptInvitation(
  database: Database,
  write: WriteRequest,
  door: DoorScope,
  accept: {
    readonly tokenHash: string;
    readonly user: UserId;
    readonly email: string;
    /** LIMIT_SCALE, by which the plan's members are multiplied. */
    readonly scale: number;
  },
): Promise<Acceptance | null> {
  const now = instant(write.nowMs);
  const [, rows] = await database.transaction([
    lockMembers(door),
    sql`WITH changed AS (
        UPDATE control.invitations i SET accepted_at = ${now}::timestamptz
        FROM control.memberships by JOIN control.users maker ON maker.id = by.user_id
        WHERE i.token_hash = ${accept.tokenHash} AND i.email = ${accept.email} AND i.org_id = ${door.org}
          AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > ${now}::timestamptz
          AND by.org_id = i.org_id AND by.user_id = i.invited_by
          AND by.disabled_at IS NULL AND maker.disabled_at IS NULL
          AND (by.role = 'owner' OR (by.role = 'admin' AND i.role <> 'owner'))
          AND NOT EXISTS (SELECT FROM control.memberships m WHERE m.org_id = i.org_id AND m.user_id = ${accept.user})
          AND ${hasRoomForMember(sql`i.org_id`, accept.scale)}
          AND (SELECT count(*) FROM control.memberships WHERE user_id = ${accept.user}) < ${membershipsPerUserMax}
        RETURNING i.org_id, i.role),
      member AS (
        INSERT INTO control.memberships (org_id, user_id, role, created_at)
        SELECT org_id, ${accept.user}, role, ${now}::timestamptz FROM changed),
      receipt AS (${receiptIfChanged(write, sql`SELECT org_id FROM changed`)})
      SELECT o.id, o.slug, o.name, changed.role FROM changed JOIN control.organisations o ON o.id = changed.org_id`,
  ]);
  const row = rows?.[0];
  if (row === undefined) return null;
  return {
    scope: joinedScope(idOf("org", row, "id")),
    slug: textOf(row, "slug"),
    name: textOf(row, "name"),
    role: roleOf(row, "role"),
  };
}
