import type { OrgId, ProviderId } from "../../../core/ids.ts";
import { type Database, type Row, type Statement, sql } from "../../connect.ts";
import { booleanOf, idOf, instant, textOf, textOrNull } from "../columns.ts";
import { receiptIfChanged, type WriteRequest } from "../receipts.ts";
import type { NewSecret, ProviderOwner, ProviderSecretId } from "./providers.ts";

/** An older secret stays good for so long after the provider first took the newer one, in milliseconds. */
export const overlapMs = 24 * 3600_000;
/** Live secrets of one provider: the one in use and the one that replaces it. */
const liveMax = 2;
/** Secrets that one sweep retires, and reminders that it sends: the next hour takes the rest. */
const sweptMax = 100;

export interface SealedSecret {
  readonly id: ProviderSecretId;
  readonly sealed: string;
  readonly proven: boolean;
}

/** `s` is older than a secret that the provider has taken for longer than the overlap. */
const outlived = (nowMs: number): Statement => sql`EXISTS (SELECT FROM control.provider_secrets n
  WHERE n.provider_id = s.provider_id AND n.id > s.id AND n.retired_at IS NULL
    AND n.proven_at < ${instant(nowMs - overlapMs)}::timestamptz)`;

/** The secrets to try, the newest first: neither retired, nor expired, nor past the overlap. */
export async function usableSecrets(database: Database, provider: ProviderId, nowMs: number): Promise<SealedSecret[]> {
  const rows = await database.query(
    sql`SELECT s.id, s.sealed, s.proven_at IS NOT NULL AS proven FROM control.provider_secrets s
      WHERE s.provider_id = ${provider} AND s.retired_at IS NULL
        AND (s.expires_at IS NULL OR s.expires_at > ${instant(nowMs)}::timestamptz) AND NOT ${outlived(nowMs)}
      ORDER BY s.id DESC LIMIT ${liveMax}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    id: idOf("providerSecret", row, "id"),
    sealed: textOf(row, "sealed"),
    proven: booleanOf(row, "proven"),
  }));
}

/** Remembers that the provider took a secret: from now on its predecessor has a day. */
export async function markProven(database: Database, id: ProviderSecretId, nowMs: number): Promise<void> {
  await database.query(
    sql`UPDATE control.provider_secrets SET proven_at = ${instant(nowMs)}::timestamptz
      WHERE id = ${id} AND proven_at IS NULL AND retired_at IS NULL`,
  );
}

export interface AddedSecret {
  readonly createdAt: string;
  readonly expiresAt: string | null;
  /** The oldest, when this would have been one too many. */
  readonly retired: readonly ProviderSecretId[];
}

/** Adds the newest secret; of the older ones only the newest stays. Null: no such provider of this owner. */
export async function addSecret(
  database: Database,
  write: WriteRequest,
  owner: ProviderOwner,
  provider: ProviderId,
  secret: NewSecret,
): Promise<AddedSecret | null> {
  const now = instant(write.nowMs);
  const expires = secret.expiresAtMs === null ? null : instant(secret.expiresAtMs);
  const [, rows] = await database.transaction([
    // Two additions follow one another, so that neither overlooks the other's.
    sql`SELECT 1 FROM control.identity_providers WHERE id = ${provider} FOR UPDATE`,
    sql`WITH changed AS (
        INSERT INTO control.provider_secrets (id, provider_id, sealed, created_at, expires_at)
        SELECT ${secret.id}, p.id, ${secret.sealed}, ${now}::timestamptz, ${expires}::timestamptz
        FROM control.identity_providers p
        WHERE p.id = ${provider} AND p.org_id IS NOT DISTINCT FROM ${owner.org}::text RETURNING provider_id),
      retired AS (
        UPDATE control.provider_secrets SET retired_at = ${now}::timestamptz, sealed = NULL
        WHERE id IN (SELECT s.id FROM control.provider_secrets s JOIN changed c ON c.provider_id = s.provider_id
          WHERE s.retired_at IS NULL ORDER BY s.id DESC OFFSET ${liveMax - 1}) RETURNING id),
      receipt AS (${receiptIfChanged(write, owner)})
      SELECT control.rfc3339(${now}::timestamptz) AS created_at, control.rfc3339(${expires}::timestamptz) AS expires_at,
        (SELECT coalesce(json_agg(id), '[]') FROM retired) AS retired FROM changed`,
  ]);
  const row = rows?.[0];
  if (row === undefined) return null;
  const retired = row["retired"] as readonly ProviderSecretId[];
  return { createdAt: textOf(row, "created_at"), expiresAt: textOrNull(row, "expires_at"), retired };
}

/** Retires one secret and forgets it. `last`: it is the only one, without which nobody could sign in. */
export async function retireSecret(
  database: Database,
  write: WriteRequest,
  owner: ProviderOwner,
  target: { readonly provider: ProviderId; readonly secret: ProviderSecretId },
): Promise<"retired" | "last" | "not_found"> {
  const [, rows] = await database.transaction([
    sql`SELECT 1 FROM control.identity_providers WHERE id = ${target.provider} FOR UPDATE`,
    sql`WITH live AS (
        SELECT s.id FROM control.provider_secrets s JOIN control.identity_providers p ON p.id = s.provider_id
        WHERE p.id = ${target.provider} AND p.org_id IS NOT DISTINCT FROM ${owner.org}::text
          AND s.retired_at IS NULL),
      changed AS (
        UPDATE control.provider_secrets SET retired_at = ${instant(write.nowMs)}::timestamptz, sealed = NULL
        WHERE id = ${target.secret} AND id IN (SELECT id FROM live) AND (SELECT count(*) FROM live) > 1 RETURNING 1),
      receipt AS (${receiptIfChanged(write, owner)})
      SELECT EXISTS (SELECT FROM changed) AS retired, EXISTS (SELECT FROM live WHERE id = ${target.secret}) AS found`,
  ]);
  const row = rows?.[0] ?? {};
  if (booleanOf(row, "retired")) return "retired";
  return booleanOf(row, "found") ? "last" : "not_found";
}

export interface OutlivedSecret {
  readonly id: ProviderSecretId;
  /** Whose log it belongs to; null: the platform's. */
  readonly owner: OrgId | null;
}

/** What the overlap has passed and is not retired yet. */
export async function findOutlived(database: Database, nowMs: number): Promise<OutlivedSecret[]> {
  const rows = await database.query(
    sql`SELECT s.id, p.org_id FROM control.provider_secrets s
      JOIN control.identity_providers p ON p.id = s.provider_id
      WHERE s.retired_at IS NULL AND ${outlived(nowMs)} ORDER BY s.id LIMIT ${sweptMax}`,
    { readOnly: true },
  );
  return rows.map((row) => ({ id: idOf("providerSecret", row, "id"), owner: orgOrNull(row) }));
}

/** Retires and forgets one of them. */
export async function retireOutlived(database: Database, write: WriteRequest, id: ProviderSecretId): Promise<void> {
  await database.query(
    sql`UPDATE control.provider_secrets s SET retired_at = ${instant(write.nowMs)}::timestamptz, sealed = NULL
      WHERE s.id = ${id} AND s.retired_at IS NULL AND ${outlived(write.nowMs)}`,
  );
}

/** Days before an expiry at which its owner's administrators are reminded. */
export const reminderDays = [14, 7, 1] as const;

export interface DueReminder {
  readonly secret: ProviderSecretId;
  readonly provider: string;
  readonly organisation: string;
  readonly expiresAt: string;
  readonly days: (typeof reminderDays)[number];
  /** Addresses of the owners and administrators. */
  readonly recipients: readonly string[];
}

/** Newest secrets of organisations' providers whose expiry has come within a step that was not mailed yet. */
export async function dueReminders(database: Database, nowMs: number): Promise<DueReminder[]> {
  const now = instant(nowMs);
  const rows = await database.query(
    sql`SELECT s.id, p.name AS provider, o.name AS organisation, control.rfc3339(s.expires_at) AS expires_at, d.days,
        (SELECT coalesce(json_agg(u.email ORDER BY u.id), '[]') FROM control.memberships m
          JOIN control.users u ON u.id = m.user_id
          WHERE m.org_id = o.id AND m.role IN ('owner', 'admin') AND m.disabled_at IS NULL
            AND u.disabled_at IS NULL AND u.email IS NOT NULL) AS recipients
      FROM control.provider_secrets s
      JOIN control.identity_providers p ON p.id = s.provider_id AND p.enabled
      JOIN control.organisations o ON o.id = p.org_id AND o.status = 'active'
      CROSS JOIN LATERAL (SELECT min(days) AS days FROM unnest(${[...reminderDays]}::int[]) AS days
        WHERE s.expires_at <= ${now}::timestamptz + days * interval '1 day') d
      WHERE s.retired_at IS NULL AND s.expires_at > ${now}::timestamptz AND d.days IS NOT NULL
        AND (s.reminded_days IS NULL OR s.reminded_days > d.days)
        AND NOT EXISTS (SELECT FROM control.provider_secrets n
          WHERE n.provider_id = s.provider_id AND n.id > s.id AND n.retired_at IS NULL)
      ORDER BY s.expires_at LIMIT ${sweptMax}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    secret: idOf("providerSecret", row, "id"),
    provider: textOf(row, "provider"),
    organisation: textOf(row, "organisation"),
    expiresAt: textOf(row, "expires_at"),
    days: reminderDays.find((days) => days === Number(row["days"])) ?? 1,
    recipients: row["recipients"] as readonly string[],
  }));
}

/** Remembers that a step's mails are out. */
export async function markReminded(database: Database, secret: ProviderSecretId, days: number): Promise<void> {
  await database.query(sql`UPDATE control.provider_secrets SET reminded_days = ${days} WHERE id = ${secret}`);
}

function orgOrNull(row: Row): OrgId | null {
  return row["org_id"] === null ? null : idOf("org", row, "org_id");
}
