import type { GeoExceptionId, UserId } from "../../core/ids.ts";
import { exceptionsMax } from "../../core/tenancy/geo-policy.ts";
import { type Database, sql } from "../connect.ts";
import { idOf, instant, textOf } from "./columns.ts";
import { raisedFrom } from "./geo-policies.ts";
import type { OrgScope } from "./org-scope.ts";
import { receiptIfChanged, type WriteRequest } from "./receipts.ts";

export interface ExceptionView {
  readonly id: GeoExceptionId;
  readonly user: UserId;
  readonly name: string;
  readonly country: string;
  /** RFC 3339. */
  readonly until: string;
  readonly createdAt: string;
}

/**
 * Lets a member come from one more country for a while; those whose time is over are forgotten on the way.
 * @returns `not_a_member`, or `too_many` when the organisation has {@link exceptionsMax} already
 */
export async function addException(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  wanted: {
    readonly id: GeoExceptionId;
    readonly user: UserId;
    readonly country: string;
    readonly untilMs: number;
    readonly by: UserId;
  },
): Promise<"added" | "not_a_member" | "too_many"> {
  const { org } = scope;
  const { id, user, country, by } = wanted;
  const now = sql`${instant(write.nowMs)}::timestamptz`;
  const [, rows] = await database.transaction([
    // Two at once follow one another, so that both can't be the last that fits.
    sql`WITH locked AS (SELECT id FROM control.organisations WHERE id = ${org} FOR UPDATE)
      DELETE FROM control.geo_exceptions WHERE org_id IN (SELECT id FROM locked) AND until_at <= ${now}`,
    sql`WITH member AS (
        SELECT org_id FROM control.memberships WHERE org_id = ${org} AND user_id = ${user}),
      added AS (
        INSERT INTO control.geo_exceptions (id, org_id, user_id, country, until_at, created_by, created_at)
        SELECT ${id}, org_id, ${user}, ${country}, ${instant(wanted.untilMs)}::timestamptz, ${by}, ${now} FROM member
        WHERE (SELECT count(*) FROM control.geo_exceptions WHERE org_id = ${org}) < ${exceptionsMax}
        RETURNING org_id),
      ${raisedFrom(sql`added`)},
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT EXISTS (SELECT FROM member) AS member, EXISTS (SELECT FROM changed) AS added`,
  ]);
  const row = rows?.[0];
  if (row?.["member"] !== true) return "not_a_member";
  return row["added"] === true ? "added" : "too_many";
}

/** Exceptions that still hold, the first to end first; there are at most {@link exceptionsMax}. */
export async function listExceptions(database: Database, { org }: OrgScope, nowMs: number): Promise<ExceptionView[]> {
  const rows = await database.query(
    sql`SELECT e.id, e.user_id, u.name, e.country, control.rfc3339(e.until_at) AS until,
        control.rfc3339(e.created_at) AS created_at
      FROM control.geo_exceptions e JOIN control.users u ON u.id = e.user_id
      WHERE e.org_id = ${org} AND e.until_at > ${instant(nowMs)}::timestamptz
      ORDER BY e.until_at, e.id LIMIT ${exceptionsMax}`,
    { readOnly: true },
  );
  return rows.map((row) => ({
    id: idOf("geoException", row, "id"),
    user: idOf("user", row, "user_id"),
    name: textOf(row, "name"),
    country: textOf(row, "country"),
    until: textOf(row, "until"),
    createdAt: textOf(row, "created_at"),
  }));
}

/** Ends an exception at once. False when the organisation has none of this id. */
export async function removeException(
  database: Database,
  write: WriteRequest,
  scope: OrgScope,
  id: GeoExceptionId,
): Promise<boolean> {
  const rows = await database.query(
    sql`WITH removed AS (
        DELETE FROM control.geo_exceptions WHERE org_id = ${scope.org} AND id = ${id} RETURNING org_id),
      ${raisedFrom(sql`removed`)},
      receipt AS (${receiptIfChanged(write, scope)})
      SELECT org_id FROM changed`,
  );
  return rows.length > 0;
}
