import type { ApiKeyId, OrgId, SessionId, UserId } from "../../core/ids.ts";
import type { Role } from "../../core/tenancy/roles.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { lockMembers } from "./change-member.ts";
import { booleanOf, idOf, instant, roleOf, textOf, textOrNull } from "./columns.ts";
import type { OrgScope, PlatformScope } from "./org-scope.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { unfinishedScope } from "./scope-makers.ts";
import { touchMs } from "./sessions.ts";

/** Keys of one organisation that are in force: one for each integration of a large school, and no more to lose. */
export const apiKeysMax = 50;
/** Revocations that one look at the unfinished ones takes up: a hub that was away for a while has a handful. */
const unfinishedMax = 200;

export interface NewApiKey {
  readonly id: ApiKeyId;
  /** The service user it speaks for, new. */
  readonly user: UserId;
  readonly session: SessionId;
  readonly name: string;
  readonly role: Exclude<Role, "owner">;
  /** What is shown of it for good. */
  readonly prefix: string;
  /** Lower-case hex SHA-256 of the whole key. */
  readonly secretHash: string;
  readonly createdBy: UserId;
  /** Where it was made from. */
  readonly ip: string;
  readonly userAgent: string;
  readonly expiresAtMs: number;
}

/**
 * Stores a key: service user, membership, session and key in one transaction. That its maker may still make
 * one is looked at under the lock, so that a key can't be made while its maker is being removed.
 */
export async function addApiKey(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  key: NewApiKey,
): Promise<"added" | "forbidden" | "too_many"> {
  const now = instant(write.nowMs);
  const expires = instant(key.expiresAtMs);
  const { org } = scope;
  const { id, user, session, name, role } = key;
  const [, rows] = await database.transaction([
    lockMembers(scope),
    sql`WITH allowed AS (
        SELECT EXISTS (SELECT FROM control.memberships m JOIN control.users u ON u.id = m.user_id
            WHERE m.org_id = ${org} AND m.user_id = ${key.createdBy} AND ${makesKeys()}) AS may,
          (SELECT count(*) FROM control.api_keys
            WHERE org_id = ${org} AND revoked_at IS NULL AND expires_at > ${now}::timestamptz) < ${apiKeysMax} AS fits),
      service AS (
        INSERT INTO control.users (id, name, kind, created_at)
        SELECT ${user}, ${name}, 'service', ${now}::timestamptz FROM allowed WHERE may AND fits RETURNING id),
      member AS (
        INSERT INTO control.memberships (org_id, user_id, role, created_at)
        SELECT ${org}, id, ${role}, ${now}::timestamptz FROM service),
      opened AS (
        INSERT INTO control.sessions (id, user_id, kind, method, secret_hash, ip, user_agent, only_org,
          created_at, last_seen_at, proven_at, expires_at)
        SELECT ${session}, id, 'api_key', 'api_key', ${key.secretHash}, ${key.ip}, ${key.userAgent}, ${org},
          ${now}::timestamptz, '-infinity', ${now}::timestamptz, ${expires}::timestamptz FROM service),
      changed AS (
        INSERT INTO control.api_keys (id, org_id, user_id, session_id, name, prefix, role, created_by, created_at, expires_at)
        SELECT ${id}, ${org}, id, ${session}, ${name}, ${key.prefix}, ${role}, ${key.createdBy},
          ${now}::timestamptz, ${expires}::timestamptz FROM service RETURNING 1),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT may, EXISTS (SELECT FROM changed) AS added FROM allowed`,
  ]);
  const row = rows?.[0] ?? {};
  if (!booleanOf(row, "may")) return "forbidden";
  return booleanOf(row, "added") ? "added" : "too_many";
}

/** Of a membership `m` of a user `u`: a person who may make keys now. Every role that a key can have is within theirs. */
function makesKeys(): Statement {
  return sql`m.role IN ('owner', 'admin') AND m.disabled_at IS NULL AND u.disabled_at IS NULL AND u.kind = 'person'`;
}

export interface ApiKey {
  readonly id: ApiKeyId;
  readonly user: UserId;
  readonly name: string;
  readonly role: Role;
  readonly prefix: string;
  readonly createdBy: UserId;
  readonly createdAt: string;
  readonly expiresAt: string;
  /** To the minute; null: never. */
  readonly lastUsedAt: string | null;
  /** Set while the hub of a revoked key has not been told. */
  readonly revokedAt: string | null;
}

/**
 * Keys that are not revoked, expired ones too, and those whose revocation is not finished; oldest first, above
 * `after`.
 */
export async function listApiKeys(
  database: Database,
  { org }: OrgScope,
  page: { readonly after: string | null; readonly limit: number },
): Promise<ApiKey[]> {
  const rows = await database.query(
    sql`SELECT k.id, k.user_id, k.name, k.role, k.prefix, k.created_by, control.rfc3339(k.created_at) AS created_at,
        control.rfc3339(k.expires_at) AS expires_at,
        CASE WHEN isfinite(s.last_seen_at) THEN control.rfc3339(s.last_seen_at) END AS last_used_at,
        control.rfc3339(k.revoked_at) AS revoked_at
      FROM control.api_keys k JOIN control.sessions s ON s.id = k.session_id
      WHERE k.org_id = ${org} AND (k.revoked_at IS NULL OR ${unfinished(sql`k`)})
        AND (${page.after}::text IS NULL OR k.id > ${page.after}::text)
      ORDER BY k.id LIMIT ${page.limit}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    id: idOf("apiKey", row, "id"),
    user: idOf("user", row, "user_id"),
    name: textOf(row, "name"),
    role: roleOf(row, "role"),
    prefix: textOf(row, "prefix"),
    createdBy: idOf("user", row, "created_by"),
    createdAt: textOf(row, "created_at"),
    expiresAt: textOf(row, "expires_at"),
    lastUsedAt: textOrNull(row, "last_used_at"),
    revokedAt: textOrNull(row, "revoked_at"),
  }));
}

/** Of a row `key` of control.api_keys: it is revoked, and its service user is still to be taken out of the hub. */
function unfinished(key: Statement): Statement {
  return sql`${key}.revoked_at IS NOT NULL AND EXISTS (SELECT FROM control.memberships left_over
    WHERE left_over.org_id = ${key}.org_id AND left_over.user_id = ${key}.user_id)`;
}

/** A key that is worth nothing any more. */
export interface RevokedKey {
  readonly id: ApiKeyId;
  /** Good for taking its service user out of the organisation. */
  readonly scope: OrgScope;
  readonly user: UserId;
  /** False when it had been revoked before: the hub is told again, the log is not. */
  readonly now: boolean;
}

/** Revokes a key. Null when the organisation has none of this id. */
export async function revokeApiKey(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  id: ApiKeyId,
): Promise<RevokedKey | null> {
  const which = sql`org_id = ${scope.org} AND id = ${id}`;
  const [row] = await database.query(revoke(write, scope, which, which));
  return row === undefined ? null : revokedOf(row);
}

/**
 * Revokes the keys that somebody made and who may not make any now: they saw the secrets. Of one organisation,
 * or for the platform of all. Who may still make keys keeps them.
 * @returns those, and those whose revocation is not finished
 */
export async function revokeKeysOfMaker(
  database: Database,
  write: WriteRequest,
  scope: OrgScope | PlatformScope,
  maker: UserId,
): Promise<RevokedKey[]> {
  const theirs = sql`created_by = ${maker} AND (${scope.org}::text IS NULL OR org_id = ${scope.org}::text)`;
  const unmade = sql`${theirs} AND NOT EXISTS (SELECT FROM control.memberships m JOIN control.users u ON u.id = m.user_id
    WHERE m.org_id = api_keys.org_id AND m.user_id = ${maker} AND ${makesKeys()})`;
  const retold = sql`${theirs} AND (${unfinished(sql`api_keys`)} OR (revoked_at IS NULL AND ${unmade}))`;
  return (await database.query(revoke(write, scope, unmade, retold))).map(revokedOf);
}

/**
 * Key and session end, and the membership is disabled; it goes when the hub was told, so that who was not told
 * is found again. @param told which keys to answer with, as they were before
 */
function revoke(write: WriteRequest, scope: OrgScope | PlatformScope, which: Statement, told: Statement): Statement {
  const now = instant(write.nowMs);
  return sql`WITH changed AS (
      UPDATE control.api_keys SET revoked_at = ${now}::timestamptz WHERE revoked_at IS NULL AND ${which}
      RETURNING id, org_id, user_id, session_id),
    ended AS (
      UPDATE control.sessions s SET ended_at = ${now}::timestamptz FROM changed
      WHERE s.id = changed.session_id AND s.ended_at IS NULL),
    shut AS (
      UPDATE control.memberships m SET disabled_at = coalesce(m.disabled_at, ${now}::timestamptz) FROM changed
      WHERE m.org_id = changed.org_id AND m.user_id = changed.user_id),
    receipt AS (${receiptIfChanged(write, scope)})
    SELECT id, org_id, user_id, id IN (SELECT id FROM changed) AS now FROM control.api_keys WHERE ${told}`;
}

function revokedOf(row: Row): RevokedKey {
  return {
    id: idOf("apiKey", row, "id"),
    scope: unfinishedScope(idOf("org", row, "org_id")),
    user: idOf("user", row, "user_id"),
    now: booleanOf(row, "now"),
  };
}

/** Revocations whose hub is still to be told, the oldest first. */
export async function unfinishedRevocations(database: Database): Promise<RevokedKey[]> {
  const rows = await database.query(
    sql`SELECT k.id, k.org_id, k.user_id, false AS now FROM control.api_keys k
      WHERE ${unfinished(sql`k`)} ORDER BY k.revoked_at LIMIT ${unfinishedMax}`,
    { readOnly: true },
  );
  return rows.map(revokedOf);
}

/** The last step of a revocation, once the hub was told: the service user is no member any more. */
export async function finishRevocation(
  database: Database,
  write: WriteRequest,
  { scope, user }: Pick<RevokedKey, "scope" | "user">,
): Promise<void> {
  await database.query(
    sql`WITH changed AS (
        DELETE FROM control.memberships m USING control.api_keys k
        WHERE k.user_id = ${user} AND k.org_id = ${scope.org} AND k.revoked_at IS NOT NULL
          AND m.org_id = k.org_id AND m.user_id = k.user_id RETURNING 1)
      ${receiptIfChanged(write, scope)}`,
  );
}

/** Whom a key speaks for, and where: its own organisation and nowhere else. */
export interface KeySession {
  readonly user: UserId;
  readonly session: SessionId;
  readonly scope: { readonly org: OrgId; readonly role: Role };
}

/**
 * Finds a key that is in force: not revoked, not expired. Notes that it was used. Of an organisation that is shut
 * too: the API tells its programs why it refuses them, as it tells its people.
 * @param secretHash lower-case hex SHA-256 of the whole key
 */
export async function findKeySession(
  database: Database,
  secretHash: string,
  nowMs: number,
): Promise<KeySession | null> {
  const now = instant(nowMs);
  const [row] = await database.query(
    sql`WITH found AS (
        SELECT s.id, s.user_id, s.last_seen_at, m.org_id, m.role
        FROM control.sessions s JOIN control.users u ON u.id = s.user_id
          JOIN control.memberships m ON m.user_id = s.user_id AND m.org_id = s.only_org
          JOIN control.organisations o ON o.id = m.org_id
        WHERE s.secret_hash = ${secretHash} AND s.kind = 'api_key' AND s.ended_at IS NULL
          AND s.expires_at > ${now}::timestamptz
          AND u.disabled_at IS NULL AND m.disabled_at IS NULL AND o.status <> 'provisioning'),
      touched AS (
        UPDATE control.sessions t SET last_seen_at = ${now}::timestamptz
        FROM found WHERE t.id = found.id AND found.last_seen_at < ${instant(nowMs - touchMs)}::timestamptz)
      SELECT id, user_id, org_id, role FROM found`,
  );
  if (row === undefined) return null;
  return {
    user: idOf("user", row, "user_id"),
    session: idOf("session", row, "id"),
    scope: { org: idOf("org", row, "org_id"), role: roleOf(row, "role") },
  };
}
