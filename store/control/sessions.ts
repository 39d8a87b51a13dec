import type { OrgId, SessionId, UserId } from "../../core/ids.ts";
import { sessionIdleMsMax, sessionMsMax } from "../../core/limits.ts";
import type { OrgState } from "../../core/tenancy/org-state.ts";
import type { MfaHolder, MfaPolicy } from "../../core/tenancy/policy.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { booleanOf, idOf, instant, numberOf, roleOf, textOf, textOrNull } from "./columns.ts";
import { mfaPolicyColumns, mfaPolicyOf } from "./mfa-policy.ts";
import { isMoving } from "./moves.ts";
import type { DoorScope } from "./org-scope.ts";
import { deleteAfterOf, stateOf } from "./org-state.ts";
import { type OwnThings, ownStatements, ownThingsOf } from "./own-things.ts";
import { receipt, receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { type MembershipOfUser, membershipsRows, membershipsStatement } from "./users.ts";

/** `last_seen_at` is written at most this often, in milliseconds: a read must not cost a write each time. */
export const touchMs = 60_000;
/** Sessions over for so long are deleted at the next sign-in, in milliseconds. */
const forgottenMs = 7 * 24 * 3600_000;

export interface Person extends MfaHolder {
  readonly user: UserId;
  /** "" for an API key: a service user has no address. */
  readonly email: string;
  readonly name: string;
  readonly session: SessionId;
  /** `api_key`: a program, in its own organisation alone. */
  readonly kind: "person" | "api_key";
  /** When they last proved themselves in this session, Unix milliseconds. */
  readonly provenAtMs: number;
  /**
   * The one organisation that the session counts in, with the person's role there; null: everywhere. An
   * organisation's own identity provider proves people to that organisation and to nobody else.
   */
  readonly confinedTo: { readonly org: OrgId; readonly role: Role } | null;
}
export interface Membership {
  readonly org: OrgId;
  readonly slug: string;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: string;
  /** What the organisation asks of its members' second factors. */
  readonly mfa: MfaPolicy;
  readonly state: OrgState;
  /** It is being moved to another placement: nothing may be written to its schema. */
  readonly moving: boolean;
  /** When its deletion is due, RFC 3339; null while none is. */
  readonly deleteAfter: string | null;
}
declare const read: unique symbol;
/** What the database says of a session at this moment. Only {@link findSession} makes one. */
export interface LiveSession {
  readonly [read]: true;
  readonly person: Person;
  /** Null when no organisation was addressed, it does not exist, is not created yet, or the person is no member. One that is shut says so in its state. */
  readonly membership: Membership | null;
}

/** How a session was begun. */
export type SessionMethod = "password" | "passkey" | "oidc" | "supabase" | "api_key";

export interface NewSession {
  readonly id: SessionId;
  readonly user: UserId;
  readonly secretHash: string;
  readonly ip: string;
  readonly userAgent: string;
  readonly method: SessionMethod;
  /** True when a second factor, or a passkey that verified its user, was shown. */
  readonly mfa: boolean;
  /** The one organisation that it counts in; see {@link Person.confinedTo}. */
  readonly onlyOrg?: DoorScope | null;
  /** SHA-256 of the secret that the client presented, whose session this one replaces. */
  readonly replacesSecretHash: string | null;
  /** A hash with newer parameters, when the stored one is behind. */
  readonly rehashed: { readonly from: string; readonly to: string } | null;
  /** The stored hash that the password was checked against; absent where no password was. */
  readonly passwordHash?: string | undefined;
  readonly refresh: { readonly family: string; readonly tokenHash: string } | null;
}

export interface SessionStart {
  /** The session that was replaced, if any. */
  readonly replaced: { readonly id: SessionId; readonly user: UserId } | null;
  /** False when the password was changed while it was checked: then there is no session. */
  readonly started: boolean;
}

/** Starts a session, ends the one it replaces. One transaction. */
export async function startSession(
  database: Database,
  write: WriteRequest,
  session: NewSession,
): Promise<SessionStart> {
  const now = instant(write.nowMs);
  const ends = instant(write.nowMs + sessionMsMax);
  const { id, user, secretHash, ip, userAgent } = session;
  const statements: Statement[] = [
    // First: it takes the person's row before any session's, as a change of the password does.
    sql`INSERT INTO control.sessions (id, user_id, secret_hash, ip, user_agent, method, mfa, only_org,
        created_at, last_seen_at, proven_at, expires_at)
      VALUES (${id}, ${user}, ${secretHash}, ${ip}, ${userAgent}, ${session.method}, ${session.mfa}, ${session.onlyOrg?.org ?? null},
        ${now}::timestamptz, ${now}::timestamptz, ${now}::timestamptz, ${ends}::timestamptz)`,
    // Named again when it has ended already: an attempt that was cut off may not have closed its sockets.
    sql`UPDATE control.sessions SET ended_at = coalesce(ended_at, ${now}::timestamptz)
      WHERE secret_hash = ${session.replacesSecretHash} AND kind = 'person' RETURNING id, user_id`,
    sql`DELETE FROM control.sessions
      WHERE user_id = ${user} AND expires_at < ${instant(write.nowMs - forgottenMs)}::timestamptz`,
    receipt(write, null),
  ];
  if (session.rehashed !== null) {
    statements.push(sql`UPDATE control.users SET password_hash = ${session.rehashed.to}
      WHERE id = ${user} AND password_hash = ${session.rehashed.from}`);
  }
  if (session.refresh !== null) {
    statements.push(
      sql`INSERT INTO control.refresh_families (id, session_id, expires_at)
        VALUES (${session.refresh.family}, ${id}, ${ends}::timestamptz)`,
      sql`INSERT INTO control.refresh_tokens (token_hash, family_id, created_at)
        VALUES (${session.refresh.tokenHash}, ${session.refresh.family}, ${now}::timestamptz)`,
    );
  }
  statements.push(sql`DELETE FROM control.sessions WHERE id = ${id} AND ${isSuperseded(user, session)} RETURNING id`);
  const results = await database.transaction(statements);
  const row = results[1]?.[0];
  return {
    replaced: row === undefined ? null : { id: idOf("session", row, "id"), user: idOf("user", row, "user_id") },
    started: results.at(-1)?.length === 0,
  };
}

/**
 * True when the person's password is another one by now. For the end of a transaction that has inserted a
 * row of theirs: that row's foreign key waits for a change of the password that is under way, and such a
 * change waits for it (`setPassword`), so of the two one sees the other.
 */
export function isSuperseded(user: UserId | null, shown: Pick<NewSession, "passwordHash" | "rehashed">): Statement {
  if (shown.passwordHash === undefined) return sql`false`;
  const hash = shown.rehashed?.to ?? shown.passwordHash;
  return sql`EXISTS (SELECT FROM control.users WHERE id = ${user} AND password_hash IS DISTINCT FROM ${hash})`;
}

/**
 * Conditions of a session that still holds: not ended, at most 24 h old, seen within the hour, person not disabled.
 * An API key's lives as long as the key, however seldom it is used.
 */
function live(nowMs: number): Statement {
  return sql`s.ended_at IS NULL AND s.expires_at > ${instant(nowMs)}::timestamptz
    AND (s.kind = 'api_key' OR s.last_seen_at > ${instant(nowMs - sessionIdleMsMax)}::timestamptz)
    AND u.disabled_at IS NULL`;
}

/**
 * Session, person and membership in ONE round trip, so that an ended session and a changed role
 * count from the next request on. Touches `last_seen_at` on the way.
 * @param which the session's id with its person (an access token), or the hash of its secret (a cookie)
 * @param orgReference an organisation's id or slug
 */
export async function findSession(
  database: Database,
  which: { readonly id: SessionId; readonly user: UserId } | { readonly secretHash: string },
  orgReference: string | null,
  nowMs: number,
): Promise<LiveSession | null> {
  const chosen =
    "id" in which
      ? sql`s.id = ${which.id} AND s.user_id = ${which.user}`
      : sql`s.secret_hash = ${which.secretHash} AND s.kind = 'person'`;
  return liveSessionOf(await database.query(liveSession(chosen, orgReference, nowMs)));
}

/** A live session that addresses no organisation, with what is its person's own, in the same round trip. */
export interface OwnSession extends LiveSession {
  readonly own: OwnThings;
}

/** {@link findSession} by an access token, for what a person does with their own account. */
export async function findOwnSession(
  database: Database,
  which: { readonly id: SessionId; readonly user: UserId },
  nowMs: number,
): Promise<OwnSession | null> {
  const [rows = [], ...own] = await database.transaction([
    liveSession(sql`s.id = ${which.id} AND s.user_id = ${which.user}`, null, nowMs),
    ...ownStatements(which.user),
  ]);
  const found = liveSessionOf(rows);
  return found === null ? null : { ...found, own: ownThingsOf(own) };
}

function liveSession(chosen: Statement, orgReference: string | null, nowMs: number): Statement {
  return sql`WITH found AS (
        SELECT s.id, s.user_id, s.kind, s.only_org, s.last_seen_at, s.mfa, s.proven_at, u.email, u.name
        FROM control.sessions s JOIN control.users u ON u.id = s.user_id
        WHERE ${chosen} AND ${live(nowMs)}),
      touched AS (
        UPDATE control.sessions t SET last_seen_at = ${instant(nowMs)}::timestamptz
        FROM found WHERE t.id = found.id AND found.last_seen_at < ${instant(nowMs - touchMs)}::timestamptz)
      SELECT found.id AS session_id, found.user_id, found.kind, found.email, found.name,
        o.id AS org_id, o.slug, o.name AS org_name, control.rfc3339(o.created_at) AS org_created_at, m.role,
        o.status, ${deleteAfterOf(sql`o.id`)} AS delete_after, ${isMoving(sql`o.id`)} AS moving,
        found.mfa, (extract(epoch FROM found.proven_at) * 1000)::double precision AS proven_at_ms,
        control.has_factor(found.user_id) AS has_factor, ${mfaPolicyColumns(sql`o.id`)},
        found.only_org, (SELECT c.role FROM control.memberships c JOIN control.organisations k ON k.id = c.org_id
          WHERE c.org_id = found.only_org AND c.user_id = found.user_id AND c.disabled_at IS NULL
            AND k.status <> 'provisioning') AS only_role
      FROM found
      LEFT JOIN (control.organisations o JOIN control.memberships m ON m.org_id = o.id)
        ON (o.id = ${orgReference}::text OR o.slug = ${orgReference}::text)
        AND o.status <> 'provisioning' AND m.user_id = found.user_id AND m.disabled_at IS NULL
        AND (found.only_org IS NULL OR found.only_org = o.id)`;
}

function liveSessionOf([row]: readonly Row[]): LiveSession | null {
  if (row === undefined) return null;
  const confinedTo = row["only_org"] === null ? null : { org: idOf("org", row, "only_org"), role: row["only_role"] };
  // No member of the one organisation that it counts in: it counts nowhere.
  if (confinedTo !== null && confinedTo.role === null) return null;
  const found: Omit<LiveSession, typeof read> = {
    person: {
      user: idOf("user", row, "user_id"),
      email: textOrNull(row, "email") ?? "",
      name: textOf(row, "name"),
      session: idOf("session", row, "session_id"),
      kind: row["kind"] === "api_key" ? "api_key" : "person",
      mfa: booleanOf(row, "mfa"),
      hasFactor: booleanOf(row, "has_factor"),
      provenAtMs: numberOf(row, "proven_at_ms"),
      confinedTo: confinedTo === null ? null : { org: confinedTo.org, role: roleOf(row, "only_role") },
    },
    membership: row["org_id"] === null ? null : membershipOf(row),
  };
  return found as LiveSession;
}

function membershipOf(row: Row): Membership {
  return {
    org: idOf("org", row, "org_id"),
    slug: textOf(row, "slug"),
    name: textOf(row, "org_name"),
    role: roleOf(row, "role"),
    createdAt: textOf(row, "org_created_at"),
    mfa: mfaPolicyOf(row),
    state: stateOf(row, "status"),
    moving: booleanOf(row, "moving"),
    deleteAfter: textOrNull(row, "delete_after"),
  };
}

export interface SessionView {
  readonly id: SessionId;
  readonly ip: string;
  readonly userAgent: string;
  readonly createdAt: string;
  readonly lastSeenAt: string;
  readonly expiresAt: string;
}

/** A person's live sessions, newest first, below `before`. */
export async function listSessions(
  database: Database,
  user: UserId,
  page: { readonly before: string | null; readonly limit: number; readonly nowMs: number },
): Promise<SessionView[]> {
  const rows = await database.query(
    sql`SELECT s.id, s.ip, s.user_agent, control.rfc3339(s.created_at) AS created_at,
        control.rfc3339(s.last_seen_at) AS last_seen_at, control.rfc3339(s.expires_at) AS expires_at
      FROM control.sessions s JOIN control.users u ON u.id = s.user_id
      WHERE s.user_id = ${user} AND ${live(page.nowMs)}
        AND (${page.before}::text IS NULL OR s.id < ${page.before}::text)
      ORDER BY s.id DESC LIMIT ${page.limit}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    id: idOf("session", row, "id"),
    ip: textOf(row, "ip"),
    userAgent: textOf(row, "user_agent"),
    createdAt: textOf(row, "created_at"),
    lastSeenAt: textOf(row, "last_seen_at"),
    expiresAt: textOf(row, "expires_at"),
  }));
}

/**
 * Ends a person's session and revokes its refresh family; nothing happens when there is no live one.
 * @returns the organisations that the person belongs to at this moment: each one's hub must have been told
 */
export async function endSession(
  database: Database,
  write: WriteRequest,
  target: { readonly id: SessionId; readonly user: UserId },
): Promise<MembershipOfUser[]> {
  const now = instant(write.nowMs);
  const [, memberships = []] = await database.transaction([
    sql`WITH changed AS (
        UPDATE control.sessions SET ended_at = ${now}::timestamptz
        WHERE id = ${target.id} AND user_id = ${target.user} AND ended_at IS NULL RETURNING id),
      revoked AS (
        UPDATE control.refresh_families SET revoked_at = ${now}::timestamptz
        WHERE session_id IN (SELECT id FROM changed) AND revoked_at IS NULL),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT 1`,
    membershipsStatement(target.user),
  ]);
  return membershipsRows(memberships);
}
