import type { Plan } from "../../core/tenancy/plan.ts";
import { type Database, sql } from "../connect.ts";
import type { OrgScope } from "./org-scope.ts";
import { planOf } from "./org-state.ts";

/** The organisation's plan. Null: there is no such organisation any more. */
export async function readPlan(database: Database, { org }: OrgScope): Promise<Plan | null> {
  const [row] = await database.query(sql`SELECT plan FROM control.organisations WHERE id = ${org}`, { readOnly: true });
  return row === undefined ? null : planOf(row, "plan");
}
