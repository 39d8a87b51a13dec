/**
 * Asks for new database passwords and watches until every tenant has one. What is asked for stands in the
 * directory and the data Worker's clock does it: it alone holds the secret that passwords are derived from.
 * Killed at any moment, nothing is lost: the rotation goes on, and the same command watches it again.
 */
import type pg from "pg";
import type { OrgId } from "../../../core/ids.ts";
import { asOwner } from "../owner.ts";
import type { Counts } from "./progress.ts";

/** Between two looks, in milliseconds. */
const lookMs = 1_000;
/** The clock comes every five minutes; after two of them without any progress something is wrong. */
export const idleMsMax = 11 * 60_000;

export interface RotationWatch {
  readonly controlUrl: string;
  /** Null: everybody. */
  readonly org: OrgId | null;
  readonly onLook: (counts: Counts) => void;
  readonly idleMs?: number;
  readonly lookMs?: number;
}

export interface RotationResult {
  readonly rotated: number;
  /** Who has no new password when nothing moved for too long. They work, and get it when the clock runs. */
  readonly left: readonly OrgId[];
}

/** @throws the driver's errors when the control plane can't be asked */
export async function rotateTenants(watch: RotationWatch): Promise<RotationResult> {
  const { controlUrl, org, onLook, idleMs = idleMsMax } = watch;
  return await asOwner(controlUrl, async (client) => {
    const wanted = await ask(client, org);
    const startedAt = performance.now();
    let movedAt = startedAt;
    for (let before = wanted.length; ; ) {
      const left = await stillLeft(client, wanted);
      if (left.length !== before) [before, movedAt] = [left.length, performance.now()];
      const done = wanted.length - left.length;
      onLook({ done, pending: wanted.length, busy: 0, failed: 0, elapsedMs: performance.now() - startedAt });
      if (left.length === 0 || performance.now() - movedAt > idleMs)
        return { rotated: done, left: left.map((one) => one.org) };
      await new Promise((resolve) => setTimeout(resolve, watch.lookMs ?? lookMs));
    }
  });
}

interface Wanted {
  readonly org: OrgId;
  /** The epoch that it is to have left behind. */
  readonly epoch: number;
}

/**
 * Who is being rotated already gets a new password by that, and is watched like the others. Of everybody, those are
 * left out who got one within the hour: so a command that was killed goes on where it was.
 */
async function ask(client: pg.ClientBase, org: OrgId | null): Promise<Wanted[]> {
  const { rows } = await client.query<Wanted>(
    `UPDATE control.organisation_placements
     SET rotation_due_at = CASE WHEN rotating_to IS NULL THEN now() ELSE rotation_due_at END
     WHERE ready_at IS NOT NULL AND (org_id = $1 OR ($1::text IS NULL
       AND (rotating_to IS NOT NULL OR password_epoch = 1 OR password_changed_at < now() - interval '1 hour')))
     RETURNING org_id AS org, password_epoch AS epoch`,
    [org],
  );
  return rows;
}

async function stillLeft(client: pg.ClientBase, wanted: readonly Wanted[]): Promise<Wanted[]> {
  const { rows } = await client.query<Wanted>(
    `SELECT w.org, w.epoch FROM unnest($1::text[], $2::int[]) AS w (org, epoch)
     JOIN control.organisation_placements p ON p.org_id = w.org WHERE p.password_epoch <= w.epoch ORDER BY w.org`,
    [wanted.map(({ org }) => org), wanted.map(({ epoch }) => epoch)],
  );
  return rows;
}
