/**
 * New passwords for tenants' roles, without a moment in which a caller has none that is good. A role has one
 * password, so:
 * 1. the directory says the next epoch; callers are handed both passwords from then on (`announce`);
 * 2. when nobody can remember the directory as it was before, the role gets the new one (`changeRole`);
 * 3. the directory moves to the epoch (`finish`).
 * Killed anywhere, callers hold the password that the role has, and the next run goes on: each step may be
 * repeated. An epoch is never used twice.
 */
import type { OrgId } from "../../../core/ids.ts";
import { tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { type Database, DatabaseError } from "../../../store/connect.ts";
import { type DataConfig, rootNamed } from "../config.ts";
import { transact } from "../provisioner/create-tenant.ts";
import { tenantMigrations } from "../provisioner/tenant-migrations.ts";
import { passwordStatement } from "../provisioner/tenant-role.ts";
import { tenantSchemaStatements } from "../provisioner/tenant-schema.ts";
import { tenantPasswords } from "./passwords.ts";
import { announce, announcedMs, finish, postpone, type RipeTenant, ripeTenants } from "./rotation-directory.ts";
import { scopeKeyOf } from "./scope-keys.ts";

export interface RotationBounds {
  /** Tenants announced in one run. */
  readonly announced: number;
  /** Roles changed in one run, and how many of them at the same time. */
  readonly rotated: number;
  readonly atOnce: number;
  /** No role is begun later than this, in milliseconds from the start. */
  readonly runMs: number;
  /** See {@link announcedMs}; shorter in tests alone. */
  readonly leadMs: number;
}

/** Of the clock's runs, every five minutes: ten milliseconds a role, so a run is over in some seconds. */
export const scheduledRotation: RotationBounds = {
  announced: 1_000,
  rotated: 1_000,
  atOnce: 4,
  runMs: 60_000,
  leadMs: announcedMs,
};

export interface RotationRun {
  readonly announced: number;
  readonly rotated: number;
  /** With the error's class and SQLSTATE. They stay announced, and work. */
  readonly failed: readonly { readonly org: OrgId; readonly reason: string }[];
}

/**
 * Changes the roles whose time has come, then announces those that are due.
 * @throws DatabaseError when the directory can't be asked
 */
export async function rotatePasswords(
  config: DataConfig,
  directory: Database,
  bounds: RotationBounds,
  now: () => number,
): Promise<RotationRun> {
  const endsAt = now() + bounds.runMs;
  const waiting = await ripeTenants(directory, config, { leadMs: bounds.leadMs, most: bounds.rotated });
  const failed: { org: OrgId; reason: string }[] = [];
  let rotated = 0;
  const lane = async (): Promise<void> => {
    for (let ripe = waiting.shift(); ripe !== undefined && now() < endsAt; ripe = waiting.shift()) {
      try {
        await changeRole(config, ripe);
        await finish(directory, ripe);
        rotated += 1;
      } catch (error) {
        failed.push({ org: ripe.scope.org, reason: reasonOf(error) });
        await postpone(directory, ripe);
      }
    }
  };
  await Promise.all(Array.from({ length: bounds.atOnce }, lane));
  return { rotated, failed, announced: await announce(directory, config, bounds.announced) };
}

/**
 * Gives the role its announced password, and its schema the key of another root when the root changes with it.
 * @throws DatabaseError; Error when a root or placement is not configured here
 */
export async function changeRole(config: DataConfig, { scope, assigned }: RipeTenant): Promise<void> {
  const placement = config.placements.get(assigned.placement);
  if (placement === undefined) throw new Error("the organisation's placement is not configured here");
  const { next } = await tenantPasswords(config, scope, assigned);
  if (next === null) throw new Error("nothing was announced");
  const name = tenantIdentifier(scope.org);
  const sameRoot = rootNamed(config, assigned.rotatingRoot) === rootNamed(config, assigned.passwordRoot);
  await transact(config, placement, [
    passwordStatement(name, next),
    // A schema that is older than keys of two roots gets there first.
    ...(sameRoot ? [] : [...tenantSchemaStatements(name, tenantMigrations), await scopeKeyOf(config, scope, assigned)]),
  ]);
}

/** The class and the code: messages may quote a statement, and a password stands in one of these. */
function reasonOf(error: unknown): string {
  if (error instanceof DatabaseError) return `${error.kind} ${error.code ?? "without an answer"}`;
  return error instanceof Error ? error.name : "unknown";
}
