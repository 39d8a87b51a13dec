/** Whose documents the clock looks after, and when. */
import type { OrgId } from "../../core/ids.ts";
import { type Database, sql } from "../connect.ts";
import { idOf } from "./columns.ts";
import { isMoving } from "./moves.ts";

/** Each organisation has its minute of the day, by its id: ten thousand of them are seven a minute. */
const minutesADay = 24 * 60;

/** Organisations whose minute it is (UTC); one that is shut, is being moved or was never finished is left alone. */
export async function documentsDueNow(database: Database, nowMs: number): Promise<OrgId[]> {
  const minute = Math.floor(nowMs / 60_000) % minutesADay;
  const rows = await database.query(
    sql`SELECT o.id FROM control.organisations o
      WHERE o.status = 'active' AND NOT ${isMoving(sql`o.id`)}
        AND ('x' || substr(md5(o.id), 1, 7))::bit(28)::integer % ${minutesADay} = ${minute}
      ORDER BY o.id`,
    { readOnly: true },
  );
  return rows.map((row) => idOf("org", row, "id"));
}
