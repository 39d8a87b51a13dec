/** What the directory knows of rotations. Times are the database's own: Workers' clocks may differ by seconds. */
import { parseId } from "../../../core/ids.ts";
import { type Database, type Row, sql } from "../../../store/connect.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { unfinishedScope } from "../../../store/control/scope-makers.ts";
import type { DataConfig } from "../config.ts";
import { parsePlacement, placementColumns, placementFreshMs, type TenantPlacement } from "../directory.ts";

/** A quarter: no password of a tenant's role gets older. */
export const passwordAgeDaysMax = 90;
/** Over so many days before that the tenants' rotations are spread, by a hash of their ids. */
const spreadDays = 10;
/**
 * From the announcement of an epoch to the change of the role: what every caller's memory of the directory takes
 * to pass, and some seconds for an answer that is under way.
 */
export const announcedMs = placementFreshMs + 15_000;

/** A tenant whose role is to have its next password. */
export interface RipeTenant {
  readonly scope: OrgScope;
  readonly assigned: TenantPlacement & { readonly rotatingTo: number };
}

/**
 * Asks for new passwords now, whatever their age; who is being rotated gets one by that.
 * @param scope null: of every tenant
 * @throws DatabaseError
 */
export async function askForRotation(directory: Database, scope: OrgScope | null): Promise<void> {
  const org = scope?.org ?? null;
  await directory.query(
    sql`UPDATE control.organisation_placements SET rotation_due_at = now()
        WHERE ready_at IS NOT NULL AND rotating_to IS NULL AND moving_to IS NULL AND (${org}::text IS NULL OR org_id = ${org})`,
  );
}

/** Whose password is due: it was asked for, it is old, or it comes from the root secret before. */
const due = (config: DataConfig) => sql`ready_at IS NOT NULL AND rotating_to IS NULL AND moving_to IS NULL
  AND placement = ANY (${[...config.placements.keys()]}::text[]) AND (
    rotation_due_at IS NOT NULL
    OR password_changed_at < now() - make_interval(days => ${passwordAgeDaysMax - spreadDays},
      secs => abs(hashtext(org_id)::bigint) % ${spreadDays * 86_400})
    OR (${config.previousRoot !== null} AND password_root IS DISTINCT FROM ${config.rootId}))`;

/**
 * Says the next epoch of tenants that are due; from now on callers are handed its password as well.
 * @param most the oldest first
 * @returns how many
 * @throws DatabaseError
 */
export async function announce(directory: Database, config: DataConfig, most: number): Promise<number> {
  const rows = await directory.query(
    sql`UPDATE control.organisation_placements SET rotating_to = password_epoch + 1, rotating_since = now(),
          rotating_root = ${config.rootId}, rotation_due_at = NULL
        WHERE org_id IN (SELECT org_id FROM control.organisation_placements WHERE ${due(config)}
          ORDER BY rotation_due_at NULLS LAST, password_changed_at LIMIT ${most} FOR UPDATE SKIP LOCKED)
        RETURNING 1`,
  );
  return rows.length;
}

/**
 * Tenants that were announced long enough ago, the longest first.
 * @param leadMs {@link announcedMs}, but in tests
 * @throws DatabaseError
 */
export async function ripeTenants(
  directory: Database,
  config: DataConfig,
  { leadMs, most }: { readonly leadMs: number; readonly most: number },
): Promise<RipeTenant[]> {
  const rows = await directory.query(
    sql`SELECT org_id, ${placementColumns} FROM control.organisation_placements
        WHERE rotating_to IS NOT NULL AND placement = ANY (${[...config.placements.keys()]}::text[])
          AND coalesce(rotating_since, '-infinity') <= now() - ${leadMs} * interval '1 millisecond'
        ORDER BY rotating_since NULLS FIRST, org_id LIMIT ${most}`,
    { readOnly: true },
  );
  return rows.map(ripeTenant);
}

function ripeTenant(row: Row): RipeTenant {
  const org = parseId("org", row["org_id"]);
  const assigned = parsePlacement(row);
  const { rotatingTo } = assigned;
  if (org === null || rotatingTo === null)
    throw new Error("the directory holds something that was never written to it");
  return { scope: unfinishedScope(org), assigned: { ...assigned, rotatingTo } };
}

/** The role has the announced password. Another run that did the same finds nothing to do. @throws DatabaseError */
export async function finish(directory: Database, { scope, assigned }: RipeTenant): Promise<void> {
  await directory.query(
    sql`UPDATE control.organisation_placements SET password_epoch = rotating_to, password_root = rotating_root,
          password_changed_at = now(), rotating_to = NULL, rotating_since = NULL, rotating_root = NULL
        WHERE org_id = ${scope.org} AND rotating_to = ${assigned.rotatingTo}`,
  );
}

/** It failed, so it goes to the end of the queue: a placement that is away must not hold up the others. @throws DatabaseError */
export async function postpone(directory: Database, { scope, assigned }: RipeTenant): Promise<void> {
  await directory.query(
    sql`UPDATE control.organisation_placements SET rotating_since = now()
        WHERE org_id = ${scope.org} AND rotating_to = ${assigned.rotatingTo}`,
  );
}

/** What is still to be done. */
export interface RotationsLeft {
  /** Due and not announced. */
  readonly due: number;
  /** Announced. */
  readonly rotating: number;
  /** Until the first of the announced may be rotated, in milliseconds; null: none is announced. */
  readonly ripeInMs: number | null;
}

/** @throws DatabaseError */
export async function rotationsLeft(directory: Database, config: DataConfig, leadMs: number): Promise<RotationsLeft> {
  const [row] = await directory.query(
    sql`SELECT count(*) FILTER (WHERE ${due(config)})::int AS due, count(rotating_to)::int AS rotating,
          greatest(0, ${leadMs} - extract(epoch FROM now() - min(rotating_since)) * 1000)::float8 AS ripe_in_ms
        FROM control.organisation_placements`,
    { readOnly: true },
  );
  const rotating = Number(row?.["rotating"]);
  return { due: Number(row?.["due"]), rotating, ripeInMs: rotating === 0 ? null : Number(row?.["ripe_in_ms"]) };
}
