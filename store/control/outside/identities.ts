import type { OrgId, ProviderId, UserId } from "../../../core/ids.ts";
import { type Database, type Statement, sql } from "../../connect.ts";
import { booleanOf, idOf, instant, textOf, textOrNull } from "../columns.ts";
import type { OrgScope } from "../org-scope.ts";
import { hasRoomForMember } from "../quotas.ts";
import { receiptIfChanged, type WriteRequest } from "../receipts.ts";
import { joinedScope } from "../scope-makers.ts";
import { membershipsPerUserMax } from "../users.ts";
import { type JoiningRole, joiningRoles, oneOf, type ProviderKind, providerKinds } from "./providers.ts";

/** One subject of one provider. */
export interface SubjectKey {
  readonly provider: ProviderId;
  readonly subject: string;
}

/** A person's account, as far as a sign-in needs it. */
export interface AccountView {
  readonly id: UserId;
  readonly email: string;
  readonly name: string;
  readonly disabled: boolean;
}

export type Resolution =
  /** The identity is linked to this account. */
  | { readonly kind: "linked"; readonly account: AccountView }
  /** It is not, and an account has the verified address. */
  | { readonly kind: "address_taken"; readonly account: AccountView }
  | { readonly kind: "unknown" };

/**
 * Who an outside identity is here. By the subject alone; the address only tells whether an account might
 * be linked, and is null unless the provider says that it is verified.
 */
export async function resolveIdentity(
  database: Database,
  key: SubjectKey,
  verifiedEmail: string | null,
): Promise<Resolution> {
  const [row] = await database.query(
    sql`WITH linked AS (
        SELECT user_id FROM control.identities WHERE provider_id = ${key.provider} AND subject = ${key.subject})
      SELECT u.id, u.email, u.name, u.disabled_at IS NOT NULL AS disabled,
        u.id IN (SELECT user_id FROM linked) AS linked
      FROM control.users u
      WHERE u.kind = 'person' AND (u.id IN (SELECT user_id FROM linked)
        OR (u.email = ${verifiedEmail}::text AND NOT EXISTS (SELECT FROM linked)))`,
    { readOnly: true },
  );
  if (row === undefined) return { kind: "unknown" };
  const account = {
    id: idOf("user", row, "id"),
    email: textOf(row, "email"),
    name: textOf(row, "name"),
    disabled: booleanOf(row, "disabled"),
  };
  return { kind: booleanOf(row, "linked") ? "linked" : "address_taken", account };
}

/** Notes that an identity signed in, and what address the provider gave it today. */
export async function touchIdentity(
  database: Database,
  key: SubjectKey,
  email: string | null,
  nowMs: number,
): Promise<void> {
  await database.query(
    sql`UPDATE control.identities SET last_used_at = ${instant(nowMs)}::timestamptz, email = coalesce(${email}::text, email)
      WHERE provider_id = ${key.provider} AND subject = ${key.subject}`,
  );
}

/**
 * Locks the organisation that a provider joins people to, as `lockMembers` does where the organisation is known:
 * whoever joins it in the statement behind this is counted with everybody who joined before. None, for a provider of
 * the platform's own.
 * @param provider its id, an expression
 */
function lockJoined(provider: Statement): Statement {
  return sql`SELECT 1 FROM control.organisations
    WHERE id = (SELECT p.org_id FROM control.identity_providers p WHERE p.id = ${provider}) FOR UPDATE`;
}

/** What joining through an organisation's provider gives. */
export interface Joining {
  readonly scope: OrgScope;
  readonly role: JoiningRole;
}

export type SignedUp =
  | { readonly kind: "made"; readonly joining: Joining | null }
  /** The address or the identity has an account by now, the provider's rules have changed, or the plan's members are all there. */
  | { readonly kind: "refused" };

/**
 * Makes an account without a password for a new identity, and its membership where one comes along. Of two
 * requests at once one makes it.
 * @param role what joining the provider's organisation should give; null: nothing is joined. The provider's row
 *   is asked again: which organisation, whether it still gives that role for this address, and has room for one more
 * @param scale LIMIT_SCALE, by which the plan's members are multiplied
 */
export async function signUpIdentity(
  database: Database,
  write: WriteRequest,
  made: SubjectKey & { readonly user: UserId; readonly email: string; readonly name: string },
  role: JoiningRole | null,
  scale: number,
): Promise<SignedUp> {
  const now = instant(write.nowMs);
  const [, rows = []] = await database.transaction([
    lockJoined(sql`${role === null ? null : made.provider}::text`),
    sql`WITH joins AS (
        SELECT i.org_id, i.default_role FROM control.identity_providers i
        WHERE i.id = ${made.provider} AND i.enabled AND i.org_id IS NOT NULL AND i.default_role = ${role}::text
          AND split_part(${made.email}::text, '@', 2) = ANY (i.email_domains)
          AND ${hasRoomForMember(sql`i.org_id`, scale)}),
      free AS (
        SELECT 1 WHERE NOT EXISTS (SELECT FROM control.identities
          WHERE provider_id = ${made.provider} AND subject = ${made.subject})
          AND (${role}::text IS NULL OR EXISTS (SELECT FROM joins))),
      changed AS (
        INSERT INTO control.users (id, email, name, password_hash, created_at)
        SELECT ${made.user}, ${made.email}, ${made.name}, NULL, ${now}::timestamptz FROM free
        ON CONFLICT (email) DO NOTHING RETURNING id),
      linked AS (
        INSERT INTO control.identities (provider_id, subject, user_id, email, created_at, last_used_at)
        SELECT ${made.provider}, ${made.subject}, id, ${made.email}, ${now}::timestamptz, ${now}::timestamptz
        FROM changed),
      member AS (
        INSERT INTO control.memberships (org_id, user_id, role, created_at)
        SELECT joins.org_id, changed.id, joins.default_role, ${now}::timestamptz FROM changed, joins),
      -- A registration of the address that waits for its mail is void: the address has an account now.
      closed AS (DELETE FROM control.registrations WHERE email = ${made.email} AND EXISTS (SELECT FROM changed)),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT (SELECT org_id FROM joins) AS org_id FROM changed`,
  ]);
  const [row] = rows;
  if (row === undefined) return { kind: "refused" };
  return { kind: "made", joining: role === null ? null : { scope: joinedScope(idOf("org", row, "org_id")), role } };
}

export type Linked =
  | { readonly kind: "linked"; readonly provider: ProviderId; readonly joining: Joining | null }
  /** The challenge is unknown, spent, expired, another person's or another browser's. */
  | { readonly kind: "no_challenge" }
  /** The identity, or this person's place at the provider, is taken. */
  | { readonly kind: "taken" };

/**
 * Links an identity by its owner's consent: takes the challenge, which is good once, and only for the
 * person and the browser that it was made for. It joins the provider's organisation as long as the plan has room: of
 * a crowd that consents at the same moment, no more get in than that (the lock).
 * @param consent.browserHash SHA-256 of the ceremony cookie
 */
export async function linkIdentity(
  database: Database,
  write: WriteRequest,
  consent: {
    readonly challengeHash: string;
    readonly browserHash: string;
    readonly user: UserId;
    /** LIMIT_SCALE, by which the plan's members are multiplied. */
    readonly scale: number;
  },
): Promise<Linked> {
  const now = instant(write.nowMs);
  const [, rows = []] = await database.transaction([
    lockJoined(sql`(SELECT c.data ->> 'provider' FROM control.ceremonies c
      WHERE c.token_hash = ${consent.challengeHash} AND c.kind = 'link' AND c.user_id = ${consent.user})`),
    sql`WITH taken AS (
        DELETE FROM control.ceremonies WHERE token_hash = ${consent.challengeHash} AND kind = 'link'
          AND user_id = ${consent.user} AND data ->> 'browser_hash' = ${consent.browserHash}
          AND expires_at > ${now}::timestamptz RETURNING data),
      wanted AS (
        -- The provider is asked again: it may have been disabled, or its rules of joining changed.
        SELECT p.id, t.data ->> 'subject' AS subject, t.data ->> 'email' AS email, p.org_id, p.default_role,
          split_part(t.data ->> 'email', '@', 2) = ANY (p.email_domains) AS of_domain
        FROM taken t JOIN control.identity_providers p ON p.id = t.data ->> 'provider' AND p.enabled),
      changed AS (
        INSERT INTO control.identities (provider_id, subject, user_id, email, created_at)
        SELECT id, subject, ${consent.user}, email, ${now}::timestamptz FROM wanted
        ON CONFLICT DO NOTHING RETURNING provider_id),
      joined AS (
        INSERT INTO control.memberships (org_id, user_id, role, created_at)
        SELECT w.org_id, ${consent.user}, w.default_role, ${now}::timestamptz FROM wanted w
        WHERE EXISTS (SELECT FROM changed) AND w.of_domain AND w.org_id IS NOT NULL AND w.default_role IS NOT NULL
          AND (SELECT count(*) FROM control.memberships WHERE user_id = ${consent.user}) < ${membershipsPerUserMax}
          AND ${hasRoomForMember(sql`w.org_id`, consent.scale)}
        ON CONFLICT DO NOTHING RETURNING 1),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT w.id, w.org_id, w.default_role, EXISTS (SELECT FROM changed) AS changed,
        EXISTS (SELECT FROM joined) AS joined FROM wanted w`,
  ]);
  const [row] = rows;
  if (row === undefined) return { kind: "no_challenge" };
  if (!booleanOf(row, "changed")) return { kind: "taken" };
  const provider = idOf("provider", row, "id");
  if (!booleanOf(row, "joined")) return { kind: "linked", provider, joining: null };
  const joining = { scope: joinedScope(idOf("org", row, "org_id")), role: oneOf(row, "default_role", joiningRoles) };
  return { kind: "linked", provider, joining };
}

export interface IdentityView {
  readonly provider: ProviderId;
  readonly providerName: string;
  readonly kind: ProviderKind;
  /** The organisation whose provider it is; null: the platform's. */
  readonly org: OrgId | null;
  readonly email: string | null;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
}

/** Identities that are shown of one person: more than a person could have a use for. */
const identitiesMax = 200;

/** A person's outside identities, the oldest first. */
export async function listIdentities(database: Database, user: UserId): Promise<IdentityView[]> {
  const rows = await database.query(
    sql`SELECT i.provider_id, p.name, p.kind, p.org_id, i.email, control.rfc3339(i.created_at) AS created_at,
        control.rfc3339(i.last_used_at) AS last_used_at
      FROM control.identities i JOIN control.identity_providers p ON p.id = i.provider_id
      WHERE i.user_id = ${user} ORDER BY i.created_at, i.provider_id LIMIT ${identitiesMax}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    provider: idOf("provider", row, "provider_id"),
    providerName: textOf(row, "name"),
    kind: oneOf(row, "kind", providerKinds),
    org: row["org_id"] === null ? null : idOf("org", row, "org_id"),
    email: textOrNull(row, "email"),
    createdAt: textOf(row, "created_at"),
    lastUsedAt: textOrNull(row, "last_used_at"),
  }));
}
