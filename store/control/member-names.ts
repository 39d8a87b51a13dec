import { type Database, sql } from "../connect.ts";
import { textOf } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";

/** Names that are looked for in one text: the largest plans have fewer people, and more would not fit a call. */
export const memberNamesMax = 10_000;

/** What the organisation's people are called, for a text in which they are not to be named. */
export async function memberNames(database: Database, { org }: OrgScope): Promise<string[]> {
  const rows = await database.query(
    sql`SELECT DISTINCT u.name FROM control.memberships m JOIN control.users u ON u.id = m.user_id
      WHERE m.org_id = ${org} AND u.kind = 'person' LIMIT ${memberNamesMax}`,
    { readOnly: true },
  );
  return rows.map((row) => textOf(row, "name"));
}
