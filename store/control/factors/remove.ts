import type { PasskeyId, UserId } from "../../../core/ids.ts";
import { type Database, type Statement, sql } from "../../connect.ts";
import { booleanOf } from "../columns.ts";
import { receiptIfChanged, type WriteRequest } from "../receipts.ts";

export type RemovedFactor =
  | { readonly kind: "removed" }
  | { readonly kind: "not_found" }
  /** It is the last one, and an organisation of theirs asks for one. */
  | { readonly kind: "required" }
  /** It is the last one, and the password is too short to stand alone. */
  | { readonly kind: "needed" };

/** Removes a person's authenticator app, also one that waits for its first code. */
export function removeTotp(database: Database, write: WriteRequest, user: UserId): Promise<RemovedFactor> {
  return removeUnderLock(database, write, user, {
    found: sql`SELECT 1 FROM control.totp_secrets WHERE user_id = ${user} AND confirmed_at IS NOT NULL`,
    others: sql`SELECT 1 FROM control.passkeys WHERE user_id = ${user}`,
    removal: sql`DELETE FROM control.totp_secrets USING verdict
      WHERE user_id = ${user} AND verdict.found AND verdict.allowed RETURNING 1`,
  });
}

/** Removes one of a person's passkeys. */
export function removePasskey(
  database: Database,
  write: WriteRequest,
  passkey: { readonly id: PasskeyId; readonly user: UserId },
): Promise<RemovedFactor> {
  const { id, user } = passkey;
  return removeUnderLock(database, write, user, {
    found: sql`SELECT 1 FROM control.passkeys WHERE id = ${id} AND user_id = ${user}`,
    others: sql`SELECT 1 FROM control.passkeys WHERE user_id = ${user} AND id <> ${id}
      UNION ALL SELECT 1 FROM control.totp_secrets WHERE user_id = ${user} AND confirmed_at IS NOT NULL`,
    removal: sql`DELETE FROM control.passkeys USING verdict
      WHERE id = ${id} AND user_id = ${user} AND verdict.allowed RETURNING 1`,
  });
}

/**
 * The person's row is locked first, so that of two removals the later one sees what the first left. With
 * the last factor its recovery codes go too, and what sessions have shown of it: they stand for nothing any
 * more. A session by an outside issuer keeps what that one asked for.
 */
async function removeUnderLock(
  database: Database,
  write: WriteRequest,
  user: UserId,
  wanted: { readonly found: Statement; readonly others: Statement; readonly removal: Statement },
): Promise<RemovedFactor> {
  const [, rows] = await database.transaction([
    sql`SELECT 1 FROM control.users WHERE id = ${user} FOR UPDATE`,
    sql`WITH facts AS (
        SELECT EXISTS (${wanted.found}) AS found, EXISTS (${wanted.others}) AS others,
          EXISTS (SELECT FROM control.memberships m
            JOIN control.org_policies p ON p.org_id = m.org_id AND p.name = 'mfa'
            WHERE m.user_id = ${user} AND (p.document ->> 'required')::boolean) AS required,
          (SELECT password_needs_factor FROM control.users WHERE id = ${user}) AS needed),
      verdict AS (SELECT found, others, needed, others OR NOT (required OR needed) AS allowed FROM facts),
      changed AS (${wanted.removal}),
      codes AS (
        DELETE FROM control.recovery_codes USING verdict
        WHERE user_id = ${user} AND NOT verdict.others AND EXISTS (SELECT FROM changed)),
      unproven AS (
        UPDATE control.sessions SET mfa = false FROM verdict
        WHERE user_id = ${user} AND mfa AND method NOT IN ('oidc', 'supabase')
          AND NOT verdict.others AND EXISTS (SELECT FROM changed)),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT found, allowed, needed FROM verdict`,
  ]);
  const row = rows?.[0];
  if (row === undefined || !booleanOf(row, "found")) return { kind: "not_found" };
  if (booleanOf(row, "allowed")) return { kind: "removed" };
  return { kind: booleanOf(row, "needed") ? "needed" : "required" };
}
