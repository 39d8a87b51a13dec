import type { UserId } from "../../core/ids.ts";
import type { LimitsPolicy } from "../../core/tenancy/limits-policy.ts";
import { type Database, sql } from "../connect.ts";
import { instant } from "./columns.ts";
import { raisedFrom } from "./geo-policies.ts";
import type { OrgScope } from "./org-scope.ts";
import { policyRow, policyStatement, type VersionedPolicy } from "./policies.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";

/**
 * Replaces an organisation's limits, and notes that its hub has yet to hear of them.
 * @param change.version the version that the decision was made on
 * @returns what is to be told; null when somebody changed a policy meanwhile: nothing was done
 */
export async function replaceLimits(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  change: { readonly user: UserId; readonly version: string; readonly limits: LimitsPolicy },
): Promise<VersionedPolicy | null> {
  const { org } = scope;
  const now = sql`${instant(write.nowMs)}::timestamptz`;
  const [changed = [], stored = []] = await database.transaction([
    sql`WITH decided AS (
        SELECT id AS org_id FROM control.organisations
        WHERE id = ${org} AND policy_version = ${change.version}::text::bigint FOR UPDATE),
      ${raisedFrom(sql`decided`)},
      document AS (
        INSERT INTO control.org_policies (org_id, name, document, updated_by, updated_at)
        SELECT org_id, 'limits', ${JSON.stringify(change.limits)}::text::jsonb, ${change.user}, ${now} FROM changed
        ON CONFLICT (org_id, name) DO UPDATE
        SET document = excluded.document, updated_by = excluded.updated_by, updated_at = excluded.updated_at),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT org_id FROM changed`,
    policyStatement(sql`o.id = ${org}`),
  ]);
  return changed.length > 0 ? policyRow(stored) : null;
}
