/**
 * Where a move stands, in the control plane (migrations/control/0016 and 0019). Each change names the run that makes
 * it, so of two runs the later one alone goes on.
 */
import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { OrgId } from "../../../../core/ids.ts";
import { MoveRefused } from "./move-refused.ts";

export const moveSteps = ["announced", "closed", "copied", "switched", "done"] as const;
export type MoveStep = (typeof moveSteps)[number];

export interface OpenMove {
  readonly org: OrgId;
  /** This run's name. */
  readonly run: string;
  readonly source: string;
  readonly target: string;
  readonly step: MoveStep;
}

/** Makes this run the one that drives the move. @throws MoveRefused `not_moving` */
export async function takeOver(control: pg.ClientBase, org: OrgId): Promise<OpenMove> {
  const run = randomUUID();
  const { rows } = await control.query<Pick<OpenMove, "source" | "target" | "step">>(
    "UPDATE control.placement_moves SET run = $2 WHERE org_id = $1 RETURNING source, target, step",
    [org, run],
  );
  const [row] = rows;
  if (row === undefined) throw new MoveRefused("not_moving", `${org} is not being moved`);
  return { ...row, org, run };
}

/** Milliseconds until everybody has read the directory again that knew it before the step. */
export async function restOf(
  control: pg.ClientBase,
  { org }: OpenMove,
  since: "announced_at" | "switched_at",
  leadMs: number,
): Promise<number> {
  const { rows } = await control.query<{ rest: number }>(
    `SELECT greatest(0, $2 - extract(epoch FROM now() - ${since}) * 1000)::float8 AS rest
     FROM control.placement_moves WHERE org_id = $1`,
    [org, leadMs],
  );
  return rows[0]?.rest ?? 0;
}

/** From here on the API writes nothing of the organisation. @throws MoveRefused `taken_over` */
export async function noteClosed(control: pg.ClientBase, move: OpenMove): Promise<void> {
  await change(control, move, "step = 'closed', closed_at = coalesce(closed_at, now())", ["announced", "closed"]);
}

/** @throws MoveRefused `taken_over` */
export async function noteCopied(control: pg.ClientBase, move: OpenMove, rows: number): Promise<void> {
  await change(control, move, `step = 'copied', copied_at = now(), rows_compared = ${Math.trunc(rows)}`, ["closed"]);
}

/** @throws MoveRefused `taken_over` */
export async function noteDone(control: pg.ClientBase, move: OpenMove): Promise<void> {
  await change(control, move, "step = 'done', done_at = now()", ["switched"]);
}

async function change(
  control: pg.ClientBase,
  { org, run }: OpenMove,
  assignments: string,
  from: readonly MoveStep[],
): Promise<void> {
  const { rowCount } = await control.query(
    `UPDATE control.placement_moves SET ${assignments} WHERE org_id = $1 AND run = $2 AND step = ANY ($3)`,
    [org, run, from],
  );
  if (rowCount !== 1) throw new MoveRefused("taken_over", "another run of this command has taken the move over");
}

/** Creations may take the slot that was looked up; each try looks again. */
const slotTriesMax = 20;

/**
 * The one statement that the organisation is elsewhere by: placement, slot and step change together.
 * @throws MoveRefused `taken_over`, `placement_full`
 */
export async function switchOver(control: pg.ClientBase, { org, run }: OpenMove): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { rowCount } = await control.query(
        `WITH led AS (
           UPDATE control.organisation_placements o SET placement = m.target, moving_to = NULL,
             slot = (SELECT min(s) FROM generate_series(1, p.tenants_max) s WHERE NOT EXISTS (
               SELECT FROM control.organisation_placements x WHERE x.placement = m.target AND x.slot = s))
           FROM control.placement_moves m JOIN control.placements p ON p.name = m.target
           WHERE o.org_id = $1 AND m.org_id = o.org_id AND m.run = $2 AND m.step = 'copied'
             AND o.placement = m.source AND o.moving_to = m.target
           RETURNING o.org_id)
         UPDATE control.placement_moves SET step = 'switched', switched_at = now()
         WHERE org_id IN (SELECT org_id FROM led) AND run = $2`,
        [org, run],
      );
      if (rowCount === 1) return;
      throw new MoveRefused("taken_over", "another run of this command has taken the move over");
    } catch (error) {
      const { code } = error as { code?: string };
      // No slot: the column takes no null.
      if (code === "23502") throw new MoveRefused("placement_full", "the placement is full; raise its tenants_max");
      if (code !== "23505" || attempt === slotTriesMax) throw error;
    }
  }
}

/** What was copied counts no more: the next run copies again. @throws MoveRefused `taken_over`, `too_late` */
export async function takeBack(control: pg.ClientBase, move: OpenMove): Promise<void> {
  if (move.step === "switched" || move.step === "done")
    throw new MoveRefused("too_late", `it is on ${move.target} already; move it back instead`);
  await change(control, move, "step = CASE WHEN step = 'copied' THEN 'closed' ELSE step END", [
    "announced",
    "closed",
    "copied",
  ]);
}

/** The organisation stays where it is, and may be written to again. @throws MoveRefused `taken_over` */
export async function forget(control: pg.ClientBase, { org, run }: OpenMove): Promise<void> {
  const { rowCount } = await control.query(
    `WITH gone AS (
       DELETE FROM control.placement_moves WHERE org_id = $1 AND run = $2 AND step IN ('announced', 'closed')
       RETURNING org_id)
     UPDATE control.organisation_placements SET moving_to = NULL WHERE org_id IN (SELECT org_id FROM gone)`,
    [org, run],
  );
  if (rowCount !== 1) throw new MoveRefused("taken_over", "another run of this command has taken the move over");
}
