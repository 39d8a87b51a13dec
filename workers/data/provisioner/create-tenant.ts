/**
 * Creates an organisation's schema and role, or finishes, repairs or migrates them. Every step may be
 * repeated:
 * 1. the directory reserves a slot (a crash after it: the next call finds the reservation);
 * 2. one transaction on the placement makes the role, the schema, the migrations and the scope key,
 *    all or nothing;
 * 3. the directory records it as ready (a crash before it: the next call repeats 2, which changes nothing).
 */
import { tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { createDatabase, DatabaseError, type Statement, sqlState } from "../../../store/connect.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import type { DataConfig, Placement } from "../config.ts";
import { tenantPasswords } from "../credentials/passwords.ts";
import { scopeKeyOf } from "../credentials/scope-keys.ts";
import { type PlacementFill, recordMigrated, reservePlacement, TenantMoving } from "../directory.ts";
import { type Drift, findDrift } from "./drift.ts";
import { refuseErased } from "./erased.ts";
import { tenantRoleStatements } from "./tenant-role.ts";
import { type TenantMigration, tenantSchemaStatements } from "./tenant-schema.ts";

/** A schema with tens of tables takes about 50 ms; a loaded server gets room. */
const creationMsMax = 30_000;
/** Two creations at once collide at CREATE ROLE or at a migration's row; the loser's repetition finds all done. */
const creationTriesMax = 3;

export interface CreatedTenant {
  readonly placement: string;
  /** What the tenant's role had changed about itself and this call put back; empty for a new tenant. */
  readonly repaired: readonly Drift[];
  /** What the placement holds with this tenant; null when it was there before. */
  readonly filled: PlacementFill | null;
}

/** @throws NoPlacementLeft, TenantErased, TenantMoving, DatabaseError */
export async function createTenant(
  config: DataConfig,
  scope: OrgScope,
  migrations: readonly TenantMigration[],
): Promise<CreatedTenant> {
  const directory = createDatabase({ url: config.directoryUrl, gateway: config.gateway });
  const { org } = scope;
  await refuseErased(directory, scope);
  const reserved = await reservePlacement(directory, scope, [...config.placements.keys()], config.rootId);
  if (reserved.moving) throw new TenantMoving("the organisation is being moved");
  const placement = config.placements.get(reserved.placement);
  if (placement === undefined) throw new Error("the organisation's placement is not configured here");
  const name = tenantIdentifier(org);
  const passwords = await tenantPasswords(config, scope, reserved);
  const repaired = reserved.ready ? await findDrift(config, placement, name, passwords) : [];
  // A role that has one of its passwords keeps it: a rotation that runs beside this may have just set it.
  const password = !reserved.ready || repaired.includes("password") ? passwords.current : null;
  await transact(config, placement, [
    ...tenantRoleStatements(name, password),
    ...tenantSchemaStatements(name, migrations),
    await scopeKeyOf(config, scope, reserved),
  ]);
  await recordMigrated(directory, scope, migrations.at(-1)?.number ?? 0);
  return { placement: placement.name, repaired, filled: reserved.filled };
}

/** One transaction as the role that owns tenants' schemas. @throws DatabaseError */
export async function transact(
  config: DataConfig,
  placement: Placement,
  statements: readonly Statement[],
): Promise<void> {
  const database = createDatabase({ url: placement.provisionerUrl, gateway: config.gateway });
  for (let attempt = 1; ; attempt += 1) {
    try {
      await database.transaction(statements, { timeoutMs: creationMsMax });
      return;
    } catch (error) {
      if (!(error instanceof DatabaseError) || !isCollision(error) || attempt === creationTriesMax) throw error;
    }
  }
}

/** Codes of losing a race: the name or row is there now, a deadlock, or "tuple concurrently updated". */
function isCollision(error: DatabaseError): boolean {
  const codes = [sqlState.uniqueViolation, "42710", "42P06", "42P07", sqlState.deadlockDetected, "XX000"];
  return error.code !== null && codes.includes(error.code);
}
