import type { SessionId, UserId } from "../../core/ids.ts";
import { type MfaPolicy, mfaNotRequired } from "../../core/tenancy/policy.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { idOf, instant } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";

/**
 * The columns that {@link mfaPolicyOf} reads, for a query's own select list: the policy counts in the same
 * round trip as the membership that it judges.
 */
export function mfaPolicyColumns(org: Statement): Statement {
  return sql`(SELECT f.document FROM control.org_policies f WHERE f.org_id = ${org} AND f.name = 'mfa') AS mfa_policy`;
}

/** @throws TypeError when what is stored is no policy: nobody passes by a broken one */
export function mfaPolicyOf(row: Row): MfaPolicy {
  const document = row["mfa_policy"];
  if (document === null) return mfaNotRequired;
  if (typeof document !== "object") throw new TypeError("column mfa_policy is not an object");
  const { required, grace_until: graceUntil } = document as Record<string, unknown>;
  if (typeof required !== "boolean") throw new TypeError("a stored mfa policy does not say whether it is required");
  if (graceUntil === null) return { required, graceUntilMs: null };
  const graceUntilMs = typeof graceUntil === "string" ? Date.parse(graceUntil) : Number.NaN;
  if (Number.isNaN(graceUntilMs)) throw new TypeError("a stored mfa policy has no date that can be read");
  return { required, graceUntilMs };
}

/**
 * Live sessions of an organisation's members that showed no second factor: whose sockets a policy that
 * asks for one from now on must close.
 */
export async function sessionsWithoutMfa(
  database: Database,
  { org }: OrgScope,
  page: { readonly nowMs: number; readonly except: UserId; readonly limit: number },
): Promise<SessionId[]> {
  const rows = await database.query(
    sql`SELECT s.id FROM control.memberships m JOIN control.sessions s ON s.user_id = m.user_id
      WHERE m.org_id = ${org} AND s.kind = 'person' AND NOT s.mfa AND s.ended_at IS NULL
        AND s.expires_at > ${instant(page.nowMs)}::timestamptz AND s.user_id <> ${page.except}
      ORDER BY s.id DESC LIMIT ${page.limit}`,
    { readOnly: true },
  );
  return rows.map((row) => idOf("session", row, "id"));
}
