/** What an organisation is (active, suspended, to be deleted) and may have, as other queries read it beside their own. */
import { type OrgState, parseOrgState } from "../../core/tenancy/org-state.ts";
import { type Plan, parsePlan } from "../../core/tenancy/plan.ts";
import { type Row, type Statement, sql } from "../connect.ts";

/** @throws TypeError for a status that no organisation has once it was created */
export function stateOf(row: Row, column: string): OrgState {
  const state = parseOrgState(row[column]);
  if (state === null) throw new TypeError(`column ${column} is not a state`);
  return state;
}

/** @throws TypeError for a plan that there is not */
export function planOf(row: Row, column: string): Plan {
  const plan = parsePlan(row[column]);
  if (plan === null) throw new TypeError(`column ${column} is not a plan`);
  return plan;
}

/** When a deletion is due, for a query's own select list. */
export function deleteAfterOf(org: Statement): Statement {
  return sql`(SELECT control.rfc3339(d.delete_after) FROM control.org_deletions d WHERE d.org_id = ${org})`;
}
