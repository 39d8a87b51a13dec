/** Moves of organisations to another placement, as far as studio has to know (migrations/control/0016). */
import { type Database, type Statement, sql } from "../connect.ts";
import { textOf } from "./columns.ts";
import type { OrgScope } from "./org-scope.ts";

/** A condition: nothing may be written to the organisation's schema, which is being copied. */
export function isMoving(org: Statement): Statement {
  return sql`EXISTS (SELECT FROM control.placement_moves v WHERE v.org_id = ${org} AND v.step IN ('closed', 'copied'))`;
}

export interface Move {
  readonly target: string;
  /** `switched` and `done`: the organisation is there. */
  readonly step: string;
}

/** Null: it is not being moved, and was not lately. */
export async function readMove(database: Database, { org }: OrgScope): Promise<Move | null> {
  const [row] = await database.query(sql`SELECT target, step FROM control.placement_moves WHERE org_id = ${org}`, {
    readOnly: true,
  });
  return row === undefined ? null : { target: textOf(row, "target"), step: textOf(row, "step") };
}
