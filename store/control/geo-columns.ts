/** An organisation's geo policy as other queries read it beside their own. */
import { type GeoSurfaces, onlyCountries, parseSurfaces } from "../../core/tenancy/geo-policy.ts";
import { type Statement, sql } from "../connect.ts";

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
