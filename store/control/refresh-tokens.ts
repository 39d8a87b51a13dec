import type { OrgId, SessionId, UserId } from "../../core/ids.ts";
import { sessionIdleMsMax } from "../../core/limits.ts";
import type { MfaHolder } from "../../core/tenancy/policy.ts";
import { type Database, sql } from "../connect.ts";
import { booleanOf, idOf, instant, textOf } from "./columns.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";

/**
 * How long the parent of the newest token may be presented again, in milliseconds. Two tabs, or a
 * retry after a lost answer, then get the same successor; ASVS 10.4.5 alone would log them out.
 */
export const refreshGraceMs = 10_000;

export interface PresentedToken {
  /** SHA-256 of the presented token. */
  readonly tokenHash: string;
  /** SHA-256 of its one possible successor, which is derived from it. */
  readonly successorHash: string;
}

export type Rotation =
  | {
      readonly kind: "rotated";
      readonly user: UserId;
      readonly session: SessionId;
      /** The one organisation that the session counts in, whose member the person is; null: everywhere. */
      readonly onlyOrg: OrgId | null;
      /** What an organisation's policy on second factors judges the session by. */
      readonly holder: MfaHolder;
    }
  /** Spent before and outside the grace: somebody else has it. */
  | { readonly kind: "reused"; readonly user: UserId; readonly session: SessionId; readonly family: string }
  | { readonly kind: "refused" };

/**
 * Spends a token and stores its successor. Two requests with the same token serialise on its row:
 * one spends it, the other finds it spent a moment ago and is given the same successor.
 */
export async function rotateRefreshToken(
  database: Database,
  write: WriteRequest,
  presented: PresentedToken,
): Promise<Rotation> {
  const now = instant(write.nowMs);
  const holds = sql`f.revoked_at IS NULL AND f.expires_at > ${now}::timestamptz
    AND s.ended_at IS NULL AND s.expires_at > ${now}::timestamptz
    AND s.last_seen_at > ${instant(write.nowMs - sessionIdleMsMax)}::timestamptz AND u.disabled_at IS NULL
    AND (s.only_org IS NULL OR EXISTS (SELECT FROM control.memberships m
      WHERE m.org_id = s.only_org AND m.user_id = s.user_id AND m.disabled_at IS NULL))`;
  const [, rows] = await database.transaction([
    sql`WITH changed AS (
        UPDATE control.refresh_tokens t SET spent_at = ${now}::timestamptz
        FROM control.refresh_families f
          JOIN control.sessions s ON s.id = f.session_id JOIN control.users u ON u.id = s.user_id
        WHERE t.token_hash = ${presented.tokenHash} AND t.spent_at IS NULL AND f.id = t.family_id AND ${holds}
        RETURNING t.family_id, f.session_id),
      successor AS (
        INSERT INTO control.refresh_tokens (token_hash, family_id, created_at)
        SELECT ${presented.successorHash}, family_id, ${now}::timestamptz FROM changed),
      touched AS (
        UPDATE control.sessions SET last_seen_at = ${now}::timestamptz
        WHERE id IN (SELECT session_id FROM changed)),
      receipt AS (${receiptIfChanged(write, null)})
      SELECT 1`,
    sql`SELECT s.user_id, s.id AS session_id, s.only_org, s.mfa, control.has_factor(s.user_id) AS has_factor,
        f.id AS family_id, ${holds} AS holds,
        t.spent_at >= ${instant(write.nowMs - refreshGraceMs)}::timestamptz AS in_grace,
        EXISTS (SELECT FROM control.refresh_tokens n
          WHERE n.token_hash = ${presented.successorHash} AND n.spent_at IS NULL) AS newest_parent
      FROM control.refresh_tokens t JOIN control.refresh_families f ON f.id = t.family_id
        JOIN control.sessions s ON s.id = f.session_id JOIN control.users u ON u.id = s.user_id
      WHERE t.token_hash = ${presented.tokenHash} AND t.spent_at IS NOT NULL`,
  ]);
  const row = rows?.[0];
  if (row === undefined || !booleanOf(row, "holds")) return { kind: "refused" };
  const who = { user: idOf("user", row, "user_id"), session: idOf("session", row, "session_id") };
  // The request that has just spent it falls in the grace as well: same successor, same answer.
  if (booleanOf(row, "in_grace") && booleanOf(row, "newest_parent")) {
    const onlyOrg = row["only_org"] === null ? null : idOf("org", row, "only_org");
    // Only a person's session has refresh tokens.
    const holder = { kind: "person" as const, mfa: booleanOf(row, "mfa"), hasFactor: booleanOf(row, "has_factor") };
    return { kind: "rotated", ...who, onlyOrg, holder };
  }
  return { kind: "reused", ...who, family: textOf(row, "family_id") };
}
