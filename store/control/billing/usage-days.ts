/** What organisations had on each day: measured by the clock, several times a day, and kept as the day's most. */
import type { TenantMeasure } from "../../../core/rpc/billing.ts";
import type { Plan } from "../../../core/tenancy/plan.ts";
import { type Database, type Row, type Statement, sql } from "../../connect.ts";
import { idOf, instant, numberOf, textOf, textOrNull } from "../columns.ts";
import { isMoving } from "../moves.ts";
import type { OrgScope } from "../org-scope.ts";
import { planOf } from "../org-state.ts";
import { unfinishedScope } from "../scope-makers.ts";

/** Each organisation has its minute of the hour, by its id: of ten thousand that is 170 a minute. */
const minutesAnHour = 60;
/** Days away that are filled in: a clock that was away longer leaves days that nobody knows of. */
const carriedDaysMax = 62;

/** Organisations whose minute it is; one that is shut, is being moved or was never finished is left alone. */
export async function meteredNow(database: Database, nowMs: number): Promise<OrgScope[]> {
  const minute = Math.floor(nowMs / 60_000) % minutesAnHour;
  const rows = await database.query(
    sql`SELECT o.id FROM control.organisations o
      WHERE o.status = 'active' AND NOT ${isMoving(sql`o.id`)}
        AND ('x' || substr(md5(o.id), 1, 7))::bit(28)::integer % ${minutesAnHour} = ${minute}
      ORDER BY o.id`,
    { readOnly: true },
  );
  return rows.map((row) => unfinishedScope(idOf("org", row, "id")));
}

/**
 * Keeps what was measured now as today's (UTC), and fills in the days on which the clock was away with what was last
 * known. Done again on the same day, the greater counts; a day that is over stays as it is.
 * @param messages null: the hub was not to be had
 */
export async function keepMeasure(
  database: Database,
  { org }: OrgScope,
  measure: TenantMeasure & { readonly messages: number | null },
  nowMs: number,
): Promise<void> {
  const now = instant(nowMs);
  await database.query(
    sql`WITH today AS (SELECT (${now}::timestamptz AT TIME ZONE 'UTC')::date AS day),
      latest AS (
        SELECT u.* FROM control.usage_days u, today WHERE u.org_id = ${org} AND u.day < today.day
        ORDER BY u.day DESC LIMIT 1),
      carried AS (
        INSERT INTO control.usage_days (org_id, day, plan, devices, members, storage_bytes)
        SELECT l.org_id, missed::date, l.plan, l.devices, l.members, l.storage_bytes
        FROM latest l, today,
          generate_series(greatest(l.day + 1, today.day - ${carriedDaysMax}::integer), today.day - 1, interval '1 day') missed
        ON CONFLICT (org_id, day) DO NOTHING)
      INSERT INTO control.usage_days AS u (org_id, day, plan, devices, members, storage_bytes, messages, llm_micros, measured_at)
      SELECT o.id, today.day, o.plan, ${measure.devices}::bigint,
        (SELECT count(*) FROM control.memberships m JOIN control.users p ON p.id = m.user_id
          WHERE m.org_id = o.id AND p.kind = 'person'),
        ${measure.storageBytes}::bigint, ${measure.messages}::bigint, ${measure.llmMicros}::bigint, ${now}::timestamptz
      FROM control.organisations o, today WHERE o.id = ${org}
      ON CONFLICT (org_id, day) DO UPDATE SET plan = excluded.plan,
        devices = greatest(u.devices, excluded.devices), members = greatest(u.members, excluded.members),
        storage_bytes = greatest(u.storage_bytes, excluded.storage_bytes),
        messages = greatest(u.messages, excluded.messages), llm_micros = greatest(u.llm_micros, excluded.llm_micros),
        measured_at = greatest(u.measured_at, excluded.measured_at)`,
  );
}

export interface UsageDay {
  /** `2026-11-23`, UTC. */
  readonly day: string;
  readonly plan: Plan;
  readonly devices: number;
  readonly members: number;
  readonly storageBytes: number;
  readonly messages: number | null;
  readonly llmMicros: number | null;
  /** Null: filled in. */
  readonly measuredAt: string | null;
}

/** The newest days first, as rows for {@link dayOf}. */
export function daysStatement({ org }: OrgScope, days: number): Statement {
  return sql`SELECT day::text AS day, plan, devices::double precision AS devices, members::double precision AS members,
      storage_bytes::double precision AS storage_bytes, messages::double precision AS messages,
      llm_micros::double precision AS llm_micros, control.rfc3339(measured_at) AS measured_at
    FROM control.usage_days WHERE org_id = ${org} ORDER BY day DESC LIMIT ${days}`;
}

export function dayOf(row: Row): UsageDay {
  const countOrNull = (column: string): number | null => (row[column] === null ? null : numberOf(row, column));
  return {
    day: textOf(row, "day"),
    plan: planOf(row, "plan"),
    devices: numberOf(row, "devices"),
    members: numberOf(row, "members"),
    storageBytes: numberOf(row, "storage_bytes"),
    messages: countOrNull("messages"),
    llmMicros: countOrNull("llm_micros"),
    measuredAt: textOrNull(row, "measured_at"),
  };
}
