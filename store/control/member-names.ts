import type { Plan } from "../../core/tenancy/plan.ts";
import { type Database, sql } from "../connect.ts";
import { textOf } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";
import { planOf } from "./org-state.ts";

/** Names that are looked for in one text: the largest plans have fewer people, and more would not fit a call. */
export const memberNamesMax = 10_000;

/**
 * What a text of the organisation's is sent out with: what its people are called, so that they are not named in it, and
 * its plan. One round trip. @returns null when there is no such organisation
 */
export async function namesAndPlan(
  database: Database,
  { org }: OrgScope,
): Promise<{ readonly names: readonly string[]; readonly plan: Plan } | null> {
  const [named = [], [row] = []] = await database.transaction(
    [
      sql`SELECT DISTINCT u.name FROM control.memberships m JOIN control.users u ON u.id = m.user_id
        WHERE m.org_id = ${org} AND u.kind = 'person' LIMIT ${memberNamesMax}`,
      sql`SELECT plan FROM control.organisations WHERE id = ${org}`,
    ],
    { readOnly: true },
  );
  return row === undefined ? null : { names: named.map((one) => textOf(one, "name")), plan: planOf(row, "plan") };
}
