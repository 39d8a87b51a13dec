import type { UserId } from "../../core/ids.ts";
import { type GeoSurfaces, onlyCountries, parseSurfaces } from "../../core/tenancy/geo-policy.ts";
import { type Database, type Statement, sql } from "../connect.ts";
import { idOf, instant } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";
import { unfinishedScope } from "./scope-makers.ts";

/** Organisations whose lapsed changes are tidied up in one run of the clock. */
const lapsedMax = 200;
/** Hubs that are told in one run. */
const untoldMax = 200;

/**
 * The columns that {@link geoPolicyOf} reads, for a query's own select list. Everything that ends by itself carries
 * its time, so what is read stays right for as long as it is kept.
 * @param org the organisation's id, an expression of the query
 */
export function geoPolicyColumns(org: Statement): Statement {
  return sql`
    (SELECT p.document FROM control.org_policies p WHERE p.org_id = ${org} AND p.name = 'geo') AS geo_rules,
    (SELECT jsonb_build_object('atMs', ${epochMs(sql`r.revert_at`)}, 'surfaces', r.surfaces)
      FROM control.geo_reverts r WHERE r.org_id = ${org}) AS geo_revert,
    (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'user', e.user_id, 'country', e.country, 'untilMs', ${epochMs(sql`e.until_at`)})), '[]'::jsonb)
      FROM control.geo_exceptions e WHERE e.org_id = ${org}) AS geo_exceptions,
    (SELECT jsonb_build_object('country', b.opened_country, 'untilMs', ${epochMs(sql`b.opened_until`)})
      FROM control.geo_break_glass b WHERE b.org_id = ${org} AND b.opened_until IS NOT NULL) AS geo_opened`;
}

/** The policy as JSON for `parseGeoPolicy`; rules that were never set are the platform's. */
export function geoPolicyOf(row: Readonly<Record<string, unknown>>, unset: GeoSurfaces): unknown {
  const { geo_rules: stored, geo_revert: revert, geo_exceptions: exceptions, geo_opened: opened } = row;
  return { surfaces: stored === null ? unset : storedSurfaces(stored), revert, exceptions, opened };
}

/** The first documents had one list of countries for all surfaces. Null, which nobody passes by, for no document. */
function storedSurfaces(document: unknown): GeoSurfaces | null {
  const { surfaces, countries } = document as Readonly<Record<string, unknown>>;
  if (surfaces !== undefined) return parseSurfaces(surfaces);
  return Array.isArray(countries) ? parseSurfaces(onlyCountries(countries)) : null;
}

function epochMs(at: Statement): Statement {
  return sql`floor(extract(epoch FROM ${at}) * 1000)::bigint`;
}

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
 * @returns false when somebody changed the policy meanwhile: nothing was done
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
): Promise<boolean> {
  const { org } = scope;
  const { user, revertAtMs } = change;
  const now = sql`${instant(write.nowMs)}::timestamptz`;
  const document = JSON.stringify({ version: 2, surfaces: change.surfaces });
  const revert =
    revertAtMs === null
      ? sql`DELETE FROM control.geo_reverts WHERE org_id IN (SELECT org_id FROM changed)`
      : sql`INSERT INTO control.geo_reverts (org_id, surfaces, revert_at, made_by, made_at)
          SELECT org_id, ${JSON.stringify(change.confirmed)}::text::jsonb, ${instant(revertAtMs)}::timestamptz, ${user}, ${now}
          FROM changed
          ON CONFLICT (org_id) DO UPDATE
          SET revert_at = excluded.revert_at, made_by = excluded.made_by, made_at = excluded.made_at`;
  const rows = await database.query(
    sql`WITH unchanged AS (
        SELECT id AS org_id FROM control.organisations
        WHERE id = ${org} AND policy_version = ${change.version}::text::bigint FOR UPDATE),
      ${raisedFrom(sql`unchanged`)},
      revert AS (${revert}),
      rules AS (
        INSERT INTO control.org_policies (org_id, name, document, updated_by, updated_at)
        SELECT org_id, 'geo', ${document}::text::jsonb, ${user}, ${now} FROM changed
        ON CONFLICT (org_id, name) DO UPDATE
        SET document = excluded.document, updated_by = excluded.updated_by, updated_at = excluded.updated_at),
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT org_id FROM changed`,
  );
  return rows.length > 0;
}

/** Makes a pending change stay. False when there is none any more. */
export async function confirmGeoRules(database: Database, write: WriteRequest, scope: OrgScope): Promise<boolean> {
  const { org } = scope;
  const rows = await database.query(
    sql`WITH kept AS (
        DELETE FROM control.geo_reverts WHERE org_id = ${org} AND revert_at > ${instant(write.nowMs)}::timestamptz
        RETURNING org_id),
      ${raisedFrom(sql`kept`)},
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT org_id FROM changed`,
  );
  return rows.length > 0;
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
 * @returns false when that was done, or somebody changed the policy again
 */
export async function revertGeoRules(database: Database, write: WriteRequest, scope: OrgScope): Promise<boolean> {
  const { org } = scope;
  const now = sql`${instant(write.nowMs)}::timestamptz`;
  const rows = await database.query(
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
  return rows.length > 0;
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

/** The hub knows this version; a newer one stays untold. */
export async function markHubTold(database: Database, { org }: OrgScope, version: string): Promise<void> {
  await database.query(
    sql`DELETE FROM control.geo_untold WHERE org_id = ${org} AND policy_version <= ${version}::text::bigint`,
  );
}
