import type { TotpSecretId, UserId } from "../../../core/ids.ts";
import { type Database, sql } from "../../connect.ts";
import { idOf, instant, textOf } from "../columns.ts";
import { applyChange, changeWithReceipt, hasChanged, receipt, type WriteRequest } from "../receipts.ts";

/** How long a secret waits for its first code, in milliseconds: to find the phone, not to come back tomorrow. */
export const totpWaitingMs = 15 * 60_000;

export interface TotpSecret {
  readonly id: TotpSecretId;
  readonly sealedSecret: string;
}

/** Puts a secret down that waits for its first code, in place of one that waited before. */
export async function addTotpSecret(
  database: Database,
  write: WriteRequest,
  secret: TotpSecret & { readonly user: UserId },
): Promise<void> {
  const now = instant(write.nowMs);
  await database.transaction([
    sql`INSERT INTO control.totp_secrets (id, user_id, sealed_secret, created_at)
      VALUES (${secret.id}, ${secret.user}, ${secret.sealedSecret}, ${now}::timestamptz)
      ON CONFLICT (user_id) WHERE confirmed_at IS NULL DO UPDATE
      SET id = excluded.id, sealed_secret = excluded.sealed_secret, created_at = excluded.created_at`,
    receipt(write, null),
  ]);
}

/** The secret that waits for its first code, or null. */
export async function waitingTotpSecret(database: Database, user: UserId, nowMs: number): Promise<TotpSecret | null> {
  const [row] = await database.query(
    sql`SELECT id, sealed_secret FROM control.totp_secrets WHERE user_id = ${user} AND confirmed_at IS NULL
      AND created_at > ${instant(nowMs - totpWaitingMs)}::timestamptz`,
    { readOnly: true },
  );
  return row === undefined ? null : secretOf(row);
}

/** The secret whose codes count, or null. */
export async function confirmedTotpSecret(database: Database, user: UserId): Promise<TotpSecret | null> {
  const [row] = await database.query(
    sql`SELECT id, sealed_secret FROM control.totp_secrets WHERE user_id = ${user} AND confirmed_at IS NOT NULL`,
    { readOnly: true },
  );
  return row === undefined ? null : secretOf(row);
}

function secretOf(row: Parameters<typeof textOf>[0]): TotpSecret {
  return { id: idOf("totpSecret", row, "id"), sealedSecret: textOf(row, "sealed_secret") };
}

/**
 * Makes a waiting secret count from its first code on, in place of the one before it. The person's row is
 * locked first: two confirmations follow one another, and the second finds nothing that waits.
 * @param step the time step of that code, which is used by it
 * @returns null when it waits no more; else whether another was replaced
 */
export async function confirmTotpSecret(
  database: Database,
  write: WriteRequest,
  confirmed: { readonly id: TotpSecretId; readonly user: UserId; readonly step: number },
): Promise<{ readonly replaced: boolean } | null> {
  const { id, user, step } = confirmed;
  const now = instant(write.nowMs);
  const [, removed, changed] = await database.transaction([
    sql`SELECT 1 FROM control.users WHERE id = ${user} FOR UPDATE`,
    sql`DELETE FROM control.totp_secrets WHERE user_id = ${user} AND confirmed_at IS NOT NULL
      AND EXISTS (SELECT FROM control.totp_secrets w
        WHERE w.id = ${id} AND w.user_id = ${user} AND w.confirmed_at IS NULL) RETURNING 1`,
    changeWithReceipt(
      write,
      null,
      sql`UPDATE control.totp_secrets SET confirmed_at = ${now}::timestamptz, last_step = ${step}
        WHERE id = ${id} AND user_id = ${user} AND confirmed_at IS NULL RETURNING 1`,
    ),
  ]);
  if (!hasChanged(changed)) return null;
  return { replaced: (removed?.length ?? 0) > 0 };
}

/**
 * Uses up a time step and all before it. Of any number of requests with the same code one has it: the
 * row is locked by the first, and the others find its step taken (RFC 6238 §5.2).
 */
export async function spendTotpStep(
  database: Database,
  write: WriteRequest,
  id: TotpSecretId,
  step: number,
): Promise<boolean> {
  const change = sql`
    UPDATE control.totp_secrets SET last_step = ${step}
    WHERE id = ${id} AND confirmed_at IS NOT NULL AND last_step < ${step} RETURNING 1`;
  return applyChange(database, write, null, change);
}
