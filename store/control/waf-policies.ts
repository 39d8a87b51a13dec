import type { UserId } from "../../core/ids.ts";
import type { WafPolicy } from "../../core/tenancy/waf-policy.ts";
import { type Database, sql } from "../connect.ts";
import type { OrgScope } from "./org-scope.ts";
import { changePolicy, type VersionedPolicy } from "./policies.ts";
import { storeDocument } from "./policy-document.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";

/**
 * Replaces the firewall's policy.
 * @param change.version the version that the decision was made on
 * @returns what is to be published; null when somebody changed a policy meanwhile: nothing was done
 */
export async function replaceWafPolicy(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  change: { readonly user: UserId; readonly version: string; readonly policy: WafPolicy },
): Promise<VersionedPolicy | null> {
  const { org } = scope;
  const { nowMs } = write;
  const { user } = change;
  return await changePolicy(
    database,
    scope,
    sql`WITH changed AS (
        UPDATE control.organisations SET policy_version = policy_version + 1
        WHERE id = ${org} AND policy_version = ${change.version}::text::bigint RETURNING id AS org_id),
      document AS (${storeDocument(sql`changed`, { name: "waf", document: change.policy, user, nowMs })}),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT org_id FROM changed`,
  );
}
