import type { UserId } from "../../../core/ids.ts";
import { type Database, type Row, type Statement, sql } from "../../connect.ts";
import { booleanOf, numberOf, textOrNull } from "../columns.ts";

/** What a person can prove themselves with. */
export interface FactorOverview {
  readonly password: boolean;
  /** When codes of an authenticator app began to count (RFC 3339); null: none do. */
  readonly totpSince: string | null;
  readonly passkeys: number;
  /** Recovery codes that are not used yet. */
  readonly recoveryCodes: number;
}

/** Everything of a person in one round trip. Null: no such person. */
export async function factorsOf(database: Database, user: UserId): Promise<FactorOverview | null> {
  return factorsRow(await database.query(factorsStatement(user), { readOnly: true }));
}

/** {@link factorsOf} as a statement of somebody's transaction. */
export function factorsStatement(user: UserId): Statement {
  return sql`SELECT u.password_hash IS NOT NULL AS password,
        (SELECT control.rfc3339(t.confirmed_at) FROM control.totp_secrets t
          WHERE t.user_id = u.id AND t.confirmed_at IS NOT NULL) AS totp_since,
        (SELECT count(*)::integer FROM control.passkeys p WHERE p.user_id = u.id) AS passkeys,
        (SELECT count(*)::integer FROM control.recovery_codes c
          WHERE c.user_id = u.id AND c.used_at IS NULL) AS recovery_codes
      FROM control.users u WHERE u.id = ${user}`;
}

/** What the rows of {@link factorsStatement} say. */
export function factorsRow([row]: readonly Row[]): FactorOverview | null {
  if (row === undefined) return null;
  return {
    password: booleanOf(row, "password"),
    totpSince: textOrNull(row, "totp_since"),
    passkeys: numberOf(row, "passkeys"),
    recoveryCodes: numberOf(row, "recovery_codes"),
  };
}

/** A second factor, as a client names it. */
export type SecondFactor = "totp" | "passkey" | "recovery_code";

/** The second factors that a person can show; empty without a first one, whatever codes are left. */
export function secondFactors(factors: FactorOverview): SecondFactor[] {
  const own: SecondFactor[] = [];
  if (factors.totpSince !== null) own.push("totp");
  if (factors.passkeys > 0) own.push("passkey");
  if (own.length > 0 && factors.recoveryCodes > 0) own.push("recovery_code");
  return own;
}
