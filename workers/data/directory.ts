/** The control plane's directory: which placement holds an organisation. */
import type { OrgId } from "../../core/ids.ts";
import { type Database, type Row, type Statement, sql } from "../../store/connect.ts";
import type { OrgScope } from "../../store/control/org-scope.ts";

export interface TenantPlacement {
  readonly placement: string;
  /** Of the role's derived password. */
  readonly passwordEpoch: number;
  /** The name of the root secret that it is derived from; null: from before roots had names. */
  readonly passwordRoot: string | null;
  /** The next epoch while a rotation is under way, and its root. */
  readonly rotatingTo: number | null;
  readonly rotatingRoot: string | null;
  /** Its schema lets through what it should not, and could not be repaired: nobody may be connected. */
  readonly closed: boolean;
  /** On its way to another placement: nothing but the move changes its role and schema. */
  readonly moving: boolean;
  /** False until schema, role and migrations are complete. */
  readonly ready: boolean;
}

/** Racing creations may each lose a slot to another this often; more means that something else is wrong. */
const reservationTriesMax = 20;

/** What a placement holds and may hold. */
export interface PlacementFill {
  readonly placement: string;
  readonly tenants: number;
  readonly tenantsMax: number;
}

/** From here on the operator is told. The last tenth of a placement is time to add another. */
const nearlyFullShare = 0.9;
export const isNearlyFull = ({ tenants, tenantsMax }: PlacementFill): boolean =>
  tenants >= Math.ceil(tenantsMax * nearlyFullShare);

/** Where an organisation is, and what its placement holds with it when this call put it there. */
export interface ReservedPlacement extends TenantPlacement {
  readonly filled: PlacementFill | null;
}

/** Every placement is full. The operator adds one. */
export class NoPlacementLeft extends Error {
  override readonly name = "NoPlacementLeft";
}

/** Where an organisation is, or null. @throws DatabaseError */
export async function findPlacement(directory: Database, { org }: OrgScope): Promise<TenantPlacement | null> {
  const [row] = await directory.query(
    sql`SELECT ${placementColumns} FROM control.organisation_placements WHERE org_id = ${org}`,
    { readOnly: true },
  );
  return row === undefined ? null : parsePlacement(row);
}

/** What {@link parsePlacement} reads. */
export const placementColumns: Statement = sql`placement, password_epoch, password_root, rotating_to, rotating_root,
  ready_at IS NOT NULL AS ready, closed_at IS NOT NULL AS closed,
  moving_to IS NOT NULL AS moving`;

/** @throws Error for what the directory's columns can't hold */
export function parsePlacement(row: Row): TenantPlacement {
  const { placement, password_epoch: passwordEpoch, password_root: passwordRoot, ready, closed, moving } = row;
  const { rotating_to: rotatingTo, rotating_root: rotatingRoot } = row;
  const isWhole =
    typeof placement === "string" &&
    typeof passwordEpoch === "number" &&
    isTextOrNull(passwordRoot) &&
    (rotatingTo === null || typeof rotatingTo === "number") &&
    isTextOrNull(rotatingRoot) &&
    typeof ready === "boolean" &&
    typeof closed === "boolean" &&
    typeof moving === "boolean";
  if (!isWhole) throw new Error("the directory holds something that was never written to it");
  return { placement, passwordEpoch, passwordRoot, rotatingTo, rotatingRoot, ready, closed, moving };
}

const isTextOrNull = (value: unknown): value is string | null => value === null || typeof value === "string";

/**
 * Gives an organisation a slot of the placement with the fewest tenants, once: an organisation that
 * has one keeps it.
 * @param reachable the placements this Worker is configured for
 * @param rootId the name of the root secret that its first password is derived from
 * @throws NoPlacementLeft, DatabaseError
 */
export async function reservePlacement(
  directory: Database,
  scope: OrgScope,
  reachable: readonly string[],
  rootId: string,
): Promise<ReservedPlacement> {
  let filled: PlacementFill | null = null;
  for (let attempt = 0; attempt < reservationTriesMax; attempt += 1) {
    const found = await findPlacement(directory, scope);
    if (found !== null) return { ...found, filled: filled?.placement === found.placement ? filled : null };
    // The slot is unique, so of two creations that pick the same one, one inserts nothing and picks again.
    const free = await directory.query(sql`
      WITH free AS (
        SELECT p.name, p.tenants_max,
          (SELECT count(*)::int FROM control.organisation_placements o WHERE o.placement = p.name) AS tenants,
          (SELECT min(s) FROM generate_series(1, p.tenants_max) s WHERE NOT EXISTS (
            SELECT FROM control.organisation_placements o WHERE o.placement = p.name AND o.slot = s)) AS slot
        FROM control.placements p WHERE p.name = ANY (${reachable}::text[])
      ), best AS (
        SELECT name, slot, tenants, tenants_max FROM free WHERE slot IS NOT NULL ORDER BY tenants, name LIMIT 1
      ), taken AS (
        INSERT INTO control.organisation_placements (org_id, placement, slot, password_root)
        SELECT ${scope.org}, name, slot, ${rootId} FROM best ON CONFLICT DO NOTHING
      )
      SELECT name, tenants, tenants_max FROM best`);
    const [best] = free;
    if (best === undefined) throw new NoPlacementLeft("every placement is full");
    filled = {
      placement: String(best["name"]),
      tenants: Number(best["tenants"]) + 1,
      tenantsMax: Number(best["tenants_max"]),
    };
  }
  throw new Error("no slot could be reserved");
}

/** Records that an organisation's schema is complete up to a migration. @throws DatabaseError */
export async function recordMigrated(directory: Database, scope: OrgScope, number: number): Promise<void> {
  await directory.transaction([
    migratedStatement(scope, number),
    sql`UPDATE control.organisation_placements SET ready_at = now() WHERE org_id = ${scope.org} AND ready_at IS NULL`,
  ]);
}

/** Records in the index how far a schema is; never lowers what stands there. `scripts/migrate/tenants` does so by the same text. */
export function migratedStatement({ org }: OrgScope, number: number): Statement {
  return sql`INSERT INTO control.tenant_migrations (org_id, number) VALUES (${org}, ${number})
    ON CONFLICT (org_id) DO UPDATE SET number = EXCLUDED.number, migrated_at = now()
    WHERE control.tenant_migrations.number < EXCLUDED.number`;
}

/** The organisation has no finished database here: never created, not finished, or closed for what is wrong with it. */
export class TenantNotReady extends Error {
  override readonly name = "TenantNotReady";
}

/** The organisation is being moved, and what was asked for would change its role or schema. Minutes later it can be done. */
export class TenantMoving extends Error {
  override readonly name = "TenantMoving";
}

/** A rotation announces its next epoch for longer than this before it changes the password, in milliseconds. */
export const placementFreshMs = 60_000;
/** Placements one isolate remembers; a few hundred bytes each. */
const placementsKeptMax = 2048;

/**
 * Remembers placements for a minute: an organisation moves seldom, and every write asks.
 * Only finished look-ups are shared: a Worker may not wait for another request's I/O.
 */
export function createPlacementCache(
  directory: Database,
  now: () => number,
): (scope: OrgScope, options?: { readonly fresh: boolean }) => Promise<TenantPlacement> {
  /** Written only here, in order of age. */
  const kept = new Map<OrgId, { readonly placement: TenantPlacement; readonly atMs: number }>();
  return async (scope, options) => {
    const { org } = scope;
    const known = kept.get(org);
    if (known !== undefined && options?.fresh !== true && now() - known.atMs < placementFreshMs) return known.placement;
    const placement = await findPlacement(directory, scope);
    kept.delete(org);
    if (placement === null || !placement.ready || placement.closed)
      throw new TenantNotReady("the organisation has no database yet");
    // Of one that is about to be elsewhere every caller asks anew, so that nobody looks for it where it was.
    if (!placement.moving) kept.set(org, { placement, atMs: now() });
    for (const oldest of kept.keys()) {
      if (kept.size <= placementsKeptMax) break;
      kept.delete(oldest);
    }
    return placement;
  };
}
