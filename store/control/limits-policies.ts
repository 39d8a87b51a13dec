import type { UserId } from "../../core/ids.ts";
import type { LimitsPolicy } from "../../core/tenancy/limits-policy.ts";
import { type Database, sql } from "../connect.ts";
import { raisedFrom } from "./geo-policies.ts";
import type { OrgScope } from "./org-scope.ts";
import { changePolicy, type VersionedPolicy } from "./policies.ts";
import { storeDocument } from "./policy-document.ts";
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
  const { nowMs } = write;
  const { user } = change;
  return await changePolicy(
    database,
    scope,
    sql`WITH decided AS (
        SELECT id AS org_id FROM control.organisations
        WHERE id = ${org} AND policy_version = ${change.version}::text::bigint FOR UPDATE),
      ${raisedFrom(sql`decided`)},
      document AS (${storeDocument(sql`changed`, { name: "limits", document: change.limits, user, nowMs })}),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT org_id FROM changed`,
  );
}
