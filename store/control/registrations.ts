import type { UserId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { booleanOf, idOf, instant, textOf } from "./columns.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";

export interface NewRegistration {
  /** Lower-case hex SHA-256 of the token in the mail. */
  readonly tokenHash: string;
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string;
  readonly expiresAtMs: number;
}

/** Open registrations of one address: more would let anybody fill a stranger's mailbox. */
export const openRegistrationsMax = 5;
/** Expired rows that one registration sweeps away, so that the table stays as small as its traffic. */
const sweptMax = 20;

/**
 * Keeps a registration until its address is proven. The same statements run whether or not the
 * address has an account, so that the time tells nothing.
 * @returns whether mail may go out, and whether the address already has an account
 */
export async function addRegistration(
  database: Database,
  write: WriteRequest,
  registration: NewRegistration,
): Promise<{ readonly accepted: boolean; readonly accountExists: boolean }> {
  const now = instant(write.nowMs);
  const { tokenHash, email, name, passwordHash, expiresAtMs } = registration;
  const [, added] = await database.transaction([
    sql`DELETE FROM control.registrations WHERE token_hash IN
      (SELECT token_hash FROM control.registrations WHERE expires_at < ${now}::timestamptz LIMIT ${sweptMax})`,
    sql`WITH changed AS (
        INSERT INTO control.registrations (token_hash, email, name, password_hash, created_at, expires_at)
        SELECT ${tokenHash}, ${email}, ${name}, ${passwordHash}, ${now}::timestamptz, ${instant(expiresAtMs)}::timestamptz
        WHERE (SELECT count(*) FROM control.registrations
          WHERE email = ${email} AND expires_at >= ${now}::timestamptz) < ${openRegistrationsMax}
        RETURNING 1),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT EXISTS (SELECT FROM changed) AS accepted,
        EXISTS (SELECT FROM control.users WHERE email = ${email}) AS account_exists`,
  ]);
  const row = added?.[0] ?? {};
  return { accepted: booleanOf(row, "accepted"), accountExists: booleanOf(row, "account_exists") };
}

/** Who a registration that can still be redeemed is for. */
export async function findRegistration(
  database: Database,
  tokenHash: string,
  nowMs: number,
): Promise<{ readonly email: string; readonly name: string } | null> {
  const [row] = await database.query(
    sql`SELECT email, name FROM control.registrations
      WHERE token_hash = ${tokenHash} AND expires_at >= ${instant(nowMs)}::timestamptz`,
    { readOnly: true },
  );
  return row === undefined ? null : { email: textOf(row, "email"), name: textOf(row, "name") };
}

/**
 * Turns a registration into an account. Every other registration of the address dies with it.
 * @param redeem `passwordHash`: what whoever proves the address chose; null keeps the one of whoever registered
 * @returns the new person, or null when the token is unknown, expired, spent or the address is taken
 */
export async function redeemRegistration(
  database: Database,
  write: WriteRequest,
  redeem: { readonly tokenHash: string; readonly user: UserId; readonly passwordHash: string | null },
): Promise<{ readonly id: UserId; readonly email: string; readonly name: string } | null> {
  const now = instant(write.nowMs);
  const [rows] = await database.transaction([
    sql`WITH proven AS (
        SELECT email, name, password_hash FROM control.registrations
        WHERE token_hash = ${redeem.tokenHash} AND expires_at >= ${now}::timestamptz),
      changed AS (
        INSERT INTO control.users (id, email, name, password_hash, created_at)
        SELECT ${redeem.user}, email, name, coalesce(${redeem.passwordHash}::text, password_hash), ${now}::timestamptz
        FROM proven
        ON CONFLICT (email) DO NOTHING RETURNING id, email, name),
      closed AS (DELETE FROM control.registrations WHERE email IN (SELECT email FROM changed)),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT id, email, name FROM changed`,
  ]);
  const row = rows?.[0];
  return row === undefined
    ? null
    : { id: idOf("user", row, "id"), email: textOf(row, "email"), name: textOf(row, "name") };
}
