import type { ProviderId, UserId } from "../../../core/ids.ts";
import { type Database, sql } from "../../connect.ts";
import { booleanOf } from "../columns.ts";
import { receiptIfChanged, type WriteRequest } from "../receipts.ts";

/**
 * Unlinks an identity, unless it is the account's last way in: no password, no passkey, and no other identity
 * at a provider that is enabled. An organisation's own provider is a way into that organisation alone, so it
 * counts for nothing here.
 */
export async function unlinkIdentity(
  database: Database,
  write: WriteRequest,
  target: { readonly user: UserId; readonly provider: ProviderId },
): Promise<"removed" | "last" | "not_found"> {
  const [, rows] = await database.transaction([
    // Two removals follow one another, or each would take the other for what is left.
    sql`SELECT 1 FROM control.users WHERE id = ${target.user} FOR UPDATE`,
    sql`WITH mine AS (
        SELECT provider_id FROM control.identities
        WHERE user_id = ${target.user} AND provider_id = ${target.provider}),
      changed AS (
        DELETE FROM control.identities i USING mine WHERE i.user_id = ${target.user} AND i.provider_id = mine.provider_id
          AND (EXISTS (SELECT FROM control.users u WHERE u.id = ${target.user} AND u.password_hash IS NOT NULL)
            OR EXISTS (SELECT FROM control.passkeys k WHERE k.user_id = ${target.user})
            OR EXISTS (SELECT FROM control.identities o JOIN control.identity_providers p ON p.id = o.provider_id
              WHERE o.user_id = ${target.user} AND o.provider_id <> mine.provider_id AND p.enabled AND p.org_id IS NULL))
        RETURNING 1),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT EXISTS (SELECT FROM changed) AS removed, EXISTS (SELECT FROM mine) AS found`,
  ]);
  const row = rows?.[0] ?? {};
  if (booleanOf(row, "removed")) return "removed";
  return booleanOf(row, "found") ? "last" : "not_found";
}
