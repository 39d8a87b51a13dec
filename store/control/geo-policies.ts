import type { UserId } from "../../core/ids.ts";
import type { GeoSurfaces } from "../../core/tenancy/geo-policy.ts";
import { type Database, type Statement, sql } from "../connect.ts";
import { idOf, instant } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { changePolicy, policyRow, policyStatement, type VersionedPolicy } from "./policies.ts";
import { storeDocument } from "./policy-document.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { unfinishedScope } from "./scope-makers.ts";

/** Organisations whose lapsed changes are tidied up in one run of the clock. */
const lapsedMax = 200;
/** Hubs that are told in one run. */
const untoldMax = 200;

/**
 * Raises the version, as the CTE `changed`, of the organisation that another CTE found (its column `org_id`), and
 * notes that its hub has yet to hear of it.
 */
export function raisedFrom(found: Statement): Statement {
  return sql`changed AS (
      UPDATE control.organisations o SET policy_version = policy_version + 1 FROM ${found} f WHERE o.id = f.org_id
      RETURNING o.id AS org_id, o.policy_version),
    untold AS (
      INSERT INTO control.geo_untold (org_id, policy_version) SELECT org_id, policy_version FROM changed
      ON CONFLICT (org_id) DO UPDATE SET policy_version = excluded.policy_version)`;
}

/**
 * Replaces the rules. With a time to revert at, the last confirmed ones hold again from then on; a change on top of
 * an unconfirmed one goes back just as far.
 * @param change.version the version that the decision was made on
 * @param change.confirmed the rules that were in force then
 * @returns what is to be told; null when somebody changed the policy meanwhile: nothing was done
 */
export async function replaceGeoRules(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  change: {
    readonly user: UserId;
    readonly version: string;
    readonly surfaces: GeoSurfaces;
    readonly confirmed: GeoSurfaces;
    readonly revertAtMs: number | null;
  },
): Promise<VersionedPolicy | null> {
  const { org } = scope;
  const { user, revertAtMs } = change;
  const now = sql`${instant(write.nowMs)}::timestamptz`;
  const document = { version: 2, surfaces: change.surfaces };
  const revert =
    revertAtMs === null
      ? sql`DELETE FROM control.geo_reverts WHERE org_id IN (SELECT org_id FROM changed)`
      : sql`INSERT INTO control.geo_reverts (org_id, surfaces, revert_at, made_by, made_at)
          SELECT org_id, ${JSON.stringify(change.confirmed)}::text::jsonb, ${instant(revertAtMs)}::timestamptz, ${user}, ${now}
          FROM changed
          ON CONFLICT (org_id) DO UPDATE
          SET revert_at = excluded.revert_at, made_by = excluded.made_by, made_at = excluded.made_at`;
  return await changePolicy(
    database,
    scope,
    sql`WITH unchanged AS (
        SELECT id AS org_id FROM control.organisations
        WHERE id = ${org} AND policy_version = ${change.version}::text::bigint FOR UPDATE),
      ${raisedFrom(sql`unchanged`)},
      revert AS (${revert}),
      rules AS (${storeDocument(sql`changed`, { name: "geo", document, user, nowMs: write.nowMs })}),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT org_id FROM changed`,
  );
}
/** Makes a pending change stay. @returns what is to be told; null when there is none any more */
export async function confirmGeoRules(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
): Promise<VersionedPolicy | null> {
  const { org } = scope;
  return await changePolicy(
    database,
    scope,
    sql`WITH kept AS (
        DELETE FROM control.geo_reverts WHERE org_id = ${org} AND revert_at > ${instant(write.nowMs)}::timestamptz
        RETURNING org_id),
      ${raisedFrom(sql`kept`)},
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT org_id FROM changed`,
  );
}

/** Changes whose time is over without anybody's word. */
export async function lapsedGeoChanges(database: Database, nowMs: number): Promise<OrgScope[]> {
  const rows = await database.query(
    sql`SELECT org_id FROM control.geo_reverts WHERE revert_at <= ${instant(nowMs)}::timestamptz
      ORDER BY revert_at LIMIT ${lapsedMax}`,
    { readOnly: true },
  );
  return rows.map((row) => unfinishedScope(idOf("org", row, "org_id")));
}

/**
 * Puts the confirmed rules back in the place of a lapsed change, which has held them already since its time.
 * @returns what is to be told; null when that was done, or somebody changed the policy again
 */
export async function revertGeoRules(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
): Promise<VersionedPolicy | null> {
  const { org } = scope;
  const now = sql`${instant(write.nowMs)}::timestamptz`;
  return await changePolicy(
    database,
    scope,
    sql`WITH lapsed AS (
        DELETE FROM control.geo_reverts WHERE org_id = ${org} AND revert_at <= ${now} RETURNING org_id, surfaces),
      rules AS (
        UPDATE control.org_policies p SET updated_at = ${now},
          document = jsonb_build_object('version', 2, 'surfaces', lapsed.surfaces)
        FROM lapsed WHERE p.org_id = lapsed.org_id AND p.name = 'geo'),
      ${raisedFrom(sql`lapsed`)},
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT org_id FROM changed`,
  );
}

/** Hubs that have not heard of their organisation's policy yet. */
export async function untoldHubs(database: Database): Promise<OrgScope[]> {
  const rows = await database.query(
    sql`SELECT u.org_id FROM control.geo_untold u JOIN control.organisations o ON o.id = u.org_id
      WHERE o.status = 'active' ORDER BY u.policy_version LIMIT ${untoldMax}`,
    { readOnly: true },
  );
  return rows.map((row) => unfinishedScope(idOf("org", row, "org_id")));
}

/**
 * The hub knows this version; a newer one stays untold.
 * @returns what is stored by now, read in the same transaction; null: no such organisation
 */
export async function markHubTold(
  database: Database,
  { org }: OrgScope,
  version: string,
): Promise<VersionedPolicy | null> {
  const [, stored = []] = await database.transaction([
    sql`DELETE FROM control.geo_untold WHERE org_id = ${org} AND policy_version <= ${version}::text::bigint`,
    policyStatement(sql`o.id = ${org}`),
  ]);
  return policyRow(stored);
}
