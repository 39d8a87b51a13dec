import type { Id, ProviderId } from "../../../core/ids.ts";
import { parseRole, type Role } from "../../../core/tenancy/roles.ts";
import { type Database, type Row, type Statement, sql } from "../../connect.ts";
import { booleanOf, idOf, instant, textOf, textOrNull } from "../columns.ts";
import type { DoorScope, OrgScope, PlatformScope } from "../org-scope.ts";
import { applyChange, receiptIfChanged, type WriteRequest } from "../receipts.ts";
import { doorScope } from "../scope-makers.ts";

export const providerKinds = ["google", "microsoft", "oidc", "supabase"] as const;
export type ProviderKind = (typeof providerKinds)[number];
/** Keys that an issuer publishes, or one secret that both sides hold. */
export const signings = ["jwks", "hs256"] as const;
export type Signing = (typeof signings)[number];
/** Roles that joining through a provider may give: none that manages others. */
export const joiningRoles = ["analyst", "viewer", "readonly"] as const satisfies readonly Role[];
export type JoiningRole = (typeof joiningRoles)[number];
export type ProviderSecretId = Id<"providerSecret">;

/** Who looks after providers: an organisation its own, the platform's operator those of everybody. */
export type ProviderOwner = OrgScope | PlatformScope;

/** Providers of one owner: a list that a sign-in page can show. */
export const providersMax = 20;

/** What an administrator may change later. */
export interface ProviderSettings {
  readonly name: string;
  readonly enabled: boolean;
  readonly allowSignUp: boolean;
  readonly trustsMfa: boolean;
  readonly confirmsEmail: boolean;
  readonly defaultRole: JoiningRole | null;
  readonly emailDomains: readonly string[];
}

export interface Provider extends ProviderSettings {
  readonly id: ProviderId;
  /** The organisation whose own it is, and whose door alone it stands at; null: the platform's. */
  readonly ownDoor: DoorScope | null;
  readonly kind: ProviderKind;
  readonly issuer: string;
  /** Null for Supabase, which has none. */
  readonly clientId: string | null;
  readonly signing: Signing;
  readonly createdAt: string;
}

/** A secret as its administrators see it. */
export interface SecretView {
  readonly id: ProviderSecretId;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  /** When the provider first took it; null: not yet. */
  readonly provenAt: string | null;
}
export interface ProviderWithSecrets extends Provider {
  /** Those that are not retired, the newest first. */
  readonly secrets: readonly SecretView[];
}

/** A secret to be kept: sealed by the caller, whose row id is part of the seal. */
export interface NewSecret {
  readonly id: ProviderSecretId;
  readonly sealed: string;
  readonly expiresAtMs: number | null;
}

const columns = sql`p.id, p.org_id, p.kind, p.name, p.issuer, p.client_id, p.signing, p.enabled, p.allow_sign_up,
  p.trusts_mfa, p.confirms_email, p.default_role, p.email_domains, control.rfc3339(p.created_at) AS created_at`;
const secretViews = sql`(SELECT coalesce(json_agg(json_build_object('id', s.id,
    'createdAt', control.rfc3339(s.created_at), 'expiresAt', control.rfc3339(s.expires_at),
    'provenAt', control.rfc3339(s.proven_at)) ORDER BY s.id DESC), '[]')
  FROM control.provider_secrets s WHERE s.provider_id = p.id AND s.retired_at IS NULL) AS secrets`;
const ownedBy = ({ org }: ProviderOwner): Statement => sql`p.org_id IS NOT DISTINCT FROM ${org}::text`;

/** Adds a provider, with its first secret. Null: it is there already, or there are too many. */
export async function addProvider(
  database: Database,
  write: WriteRequest,
  owner: ProviderOwner,
  provider: Omit<Provider, "createdAt" | "ownDoor">,
  secret: NewSecret | null,
): Promise<ProviderWithSecrets | null> {
  const now = instant(write.nowMs);
  const { id, kind, name, issuer, clientId, signing, emailDomains } = provider;
  const expires = secret === null || secret.expiresAtMs === null ? null : instant(secret.expiresAtMs);
  const [row] = await database.query(
    sql`WITH changed AS (
        INSERT INTO control.identity_providers (id, org_id, kind, name, issuer, client_id, signing, enabled,
          allow_sign_up, trusts_mfa, confirms_email, default_role, email_domains, created_at, updated_at)
        SELECT ${id}, ${owner.org}::text, ${kind}, ${name}, ${issuer}, ${clientId}::text, ${signing}, ${provider.enabled}::boolean,
          ${provider.allowSignUp}::boolean, ${provider.trustsMfa}::boolean, ${provider.confirmsEmail}::boolean,
          ${provider.defaultRole}::text,
          ${emailDomains}::text[], ${now}::timestamptz, ${now}::timestamptz
        WHERE (SELECT count(*) FROM control.identity_providers p WHERE ${ownedBy(owner)}) < ${providersMax}
        ON CONFLICT DO NOTHING RETURNING id),
      secret AS (
        INSERT INTO control.provider_secrets (id, provider_id, sealed, created_at, expires_at)
        SELECT ${secret?.id ?? null}::text, changed.id, ${secret?.sealed ?? null}::text, ${now}::timestamptz,
          ${expires}::timestamptz FROM changed WHERE ${secret !== null}::boolean),
      receipt AS (${receiptIfChanged(write, owner)})
      SELECT control.rfc3339(${now}::timestamptz) AS created_at, control.rfc3339(${expires}::timestamptz) AS expires_at
      FROM changed`,
  );
  if (row === undefined) return null;
  const createdAt = textOf(row, "created_at");
  const view =
    secret === null ? null : { id: secret.id, createdAt, expiresAt: textOrNull(row, "expires_at"), provenAt: null };
  const ownDoor = owner.org === null ? null : doorScope(owner.org);
  return { ...provider, ownDoor, createdAt, secrets: view === null ? [] : [view] };
}

/** All providers of one owner, the oldest first. */
export async function listProviders(database: Database, owner: ProviderOwner): Promise<ProviderWithSecrets[]> {
  const rows = await database.query(
    sql`SELECT ${columns}, ${secretViews} FROM control.identity_providers p WHERE ${ownedBy(owner)}
      ORDER BY p.id LIMIT ${providersMax}`,
    { readOnly: true },
  );
  return rows.map(withSecrets);
}

/** One provider of its owner, or null. */
export async function findOwnedProvider(
  database: Database,
  owner: ProviderOwner,
  id: ProviderId,
): Promise<ProviderWithSecrets | null> {
  const [row] = await database.query(
    sql`SELECT ${columns}, ${secretViews} FROM control.identity_providers p WHERE p.id = ${id} AND ${ownedBy(owner)}`,
    { readOnly: true },
  );
  return row === undefined ? null : withSecrets(row);
}

/** What stands at a door. */
export interface OfferedAt {
  /** The organisation whose door it is; null: the platform's. */
  readonly door: DoorScope | null;
  readonly providers: readonly Provider[];
}

/**
 * The enabled providers at a door: the platform's, and at an organisation's door its own as well.
 * @param reference an organisation's id or slug; null: the platform's own door
 * @returns null when there is no such organisation, or it is suspended. One that is to be deleted has a door still:
 *   its owners come in by it to take that back
 */
export async function providersAt(database: Database, reference: string | null): Promise<OfferedAt | null> {
  const named = sql`SELECT o.id FROM control.organisations o
    WHERE (o.id = ${reference}::text OR o.slug = ${reference}::text) AND o.status IN ('active', 'deleting')`;
  const [doors, rows = []] = await database.transaction(
    [
      named,
      sql`SELECT ${columns} FROM control.identity_providers p
        WHERE p.enabled AND (p.org_id IS NULL OR p.org_id = (${named}))
        ORDER BY p.org_id IS NULL, p.id LIMIT ${2 * providersMax}`,
    ],
    { readOnly: true },
  );
  const door = doors?.[0];
  if (reference !== null && door === undefined) return null;
  return { door: door === undefined ? null : doorScope(idOf("org", door, "id")), providers: rows.map(providerOf) };
}

/** Replaces what may change. Null: there is no such provider of this owner. */
export async function changeProvider(
  database: Database,
  write: WriteRequest,
  owner: ProviderOwner,
  id: ProviderId,
  settings: ProviderSettings,
): Promise<ProviderWithSecrets | null> {
  const [, rows] = await database.transaction([
    sql`WITH changed AS (
        UPDATE control.identity_providers p SET name = ${settings.name}, enabled = ${settings.enabled},
          allow_sign_up = ${settings.allowSignUp}, trusts_mfa = ${settings.trustsMfa},
          confirms_email = ${settings.confirmsEmail}, default_role = ${settings.defaultRole}::text,
          email_domains = ${settings.emailDomains}::text[], updated_at = ${instant(write.nowMs)}::timestamptz
        WHERE p.id = ${id} AND ${ownedBy(owner)} RETURNING 1)
      ${receiptIfChanged(write, owner)}`,
    sql`SELECT ${columns}, ${secretViews} FROM control.identity_providers p
      WHERE p.id = ${id} AND ${ownedBy(owner)}`,
  ]);
  const row = rows?.[0];
  return row === undefined ? null : withSecrets(row);
}

/** Removes a provider with its secrets and every identity of it. False: there is none of this owner. */
export async function removeProvider(
  database: Database,
  write: WriteRequest,
  owner: ProviderOwner,
  id: ProviderId,
): Promise<boolean> {
  const change = sql`
    DELETE FROM control.identity_providers p WHERE p.id = ${id} AND ${ownedBy(owner)} RETURNING 1`;
  return applyChange(database, write, owner, change);
}

/** A column that holds one of the known words. @throws TypeError */
export function oneOf<T extends string>(row: Row, column: string, known: readonly T[]): T {
  const text = textOf(row, column);
  const found = known.find((candidate) => candidate === text);
  if (found === undefined) throw new TypeError(`column ${column} holds an unknown word`);
  return found;
}

function providerOf(row: Row): Provider {
  const domains: unknown = row["email_domains"];
  if (!Array.isArray(domains)) throw new TypeError("column email_domains is not a list");
  const role = parseRole(row["default_role"]);
  return {
    id: idOf("provider", row, "id"),
    ownDoor: row["org_id"] === null ? null : doorScope(idOf("org", row, "org_id")),
    kind: oneOf(row, "kind", providerKinds),
    name: textOf(row, "name"),
    issuer: textOf(row, "issuer"),
    clientId: textOrNull(row, "client_id"),
    signing: oneOf(row, "signing", signings),
    enabled: booleanOf(row, "enabled"),
    allowSignUp: booleanOf(row, "allow_sign_up"),
    trustsMfa: booleanOf(row, "trusts_mfa"),
    confirmsEmail: booleanOf(row, "confirms_email"),
    defaultRole: joiningRoles.find((candidate) => candidate === role) ?? null,
    emailDomains: domains.map(String),
    createdAt: textOf(row, "created_at"),
  };
}

function withSecrets(row: Row): ProviderWithSecrets {
  // Built by the query above, field by field.
  return { ...providerOf(row), secrets: row["secrets"] as readonly SecretView[] };
}
