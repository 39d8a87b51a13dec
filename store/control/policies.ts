import type { UserId } from "../../core/ids.ts";
import { defaultLimitsPolicy } from "../../core/tenancy/limits-policy.ts";
import { type OrgPolicy, parseOrgPolicy, platformPolicy } from "../../core/tenancy/policy.ts";
import { type Database, type Row, type Statement, sql } from "../connect.ts";
import { geoPolicyColumns, geoPolicyOf } from "./geo-columns.ts";
import type { DoorScope, OrgScope } from "./org-scope.ts";
import { storeDocument } from "./policy-document.ts";
import { receipt, type WriteRequest } from "./receipts.ts";

export type PolicyDocument =
  | { readonly name: "tls"; readonly document: { readonly device_min: OrgPolicy["tlsDeviceMin"] } }
  /** `grace_until` in RFC 3339. */
  | { readonly name: "mfa"; readonly document: { readonly required: boolean; readonly grace_until: string | null } };

/** What the edge is to know of an organisation, with the version it stands for. */
export interface VersionedPolicy {
  readonly policy: OrgPolicy;
  readonly version: string;
}

/**
 * Reads an organisation's policy, which the edge judges everybody by at its door; whatever was never set is the
 * platform's. Null: no such organisation.
 */
export async function readPolicy(database: Database, { org }: DoorScope): Promise<VersionedPolicy | null> {
  return policyRow(await database.query(policyStatement(sql`o.id = ${org}`), { readOnly: true }));
}

/** {@link readPolicy} as a statement of somebody's transaction. @param which a condition on `o`, a row of organisations */
export function policyStatement(which: Statement): Statement {
  return sql`SELECT o.id, o.slug, o.status, o.policy_version::text AS version,
        ${geoPolicyColumns(sql`o.id`)}, t.document ->> 'device_min' AS device_min,
        (SELECT w.document FROM control.org_policies w WHERE w.org_id = o.id AND w.name = 'waf') AS waf,
        (SELECT l.document FROM control.org_policies l WHERE l.org_id = o.id AND l.name = 'limits') AS limits
      FROM control.organisations o
      LEFT JOIN control.org_policies t ON t.org_id = o.id AND t.name = 'tls'
      WHERE ${which}`;
}

/** What the rows of {@link policyStatement} say. */
export function policyRow([row]: readonly Row[]): VersionedPolicy | null {
  if (row === undefined) return null;
  const policy = parseOrgPolicy({
    version: 2,
    org: row["id"],
    slug: row["slug"],
    // It is not there yet while it is made, and nobody asks the edge for it.
    status: row["status"] === "provisioning" ? "active" : row["status"],
    geo: geoPolicyOf(row, platformPolicy.geo.surfaces),
    tlsDeviceMin: row["device_min"] ?? platformPolicy.tlsDeviceMin,
    waf: row["waf"] ?? platformPolicy.waf,
    limits: row["limits"] ?? defaultLimitsPolicy,
  });
  if (policy === null) throw new TypeError("a stored policy does not parse");
  return { policy, version: String(row["version"]) };
}

/**
 * Runs a statement that changes an organisation's policies and gives a row when it did.
 * @returns what is to be published or told; null: it changed nothing
 */
export async function changePolicy(
  database: Database,
  scope: OrgScope,
  change: Statement,
): Promise<VersionedPolicy | null> {
  const [rows = [], stored = []] = await database.transaction([change, policyStatement(sql`o.id = ${scope.org}`)]);
  return rows.length > 0 ? policyRow(stored) : null;
}

/** Replaces one policy and raises the version, together. @returns what is to be published; null: no such organisation */
export async function writePolicy(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  change: { readonly user: UserId } & PolicyDocument,
): Promise<VersionedPolicy | null> {
  const [, , , stored = []] = await database.transaction([
    sql`UPDATE control.organisations SET policy_version = policy_version + 1 WHERE id = ${scope.org}`,
    storeDocument(sql`(SELECT ${scope.org}::text AS org_id) named`, { ...change, nowMs: write.nowMs }),
    receipt(write, scope),
    policyStatement(sql`o.id = ${scope.org}`),
  ]);
  return policyRow(stored);
}
