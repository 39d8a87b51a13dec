/** Brings one tenant's database back to what it must be: role, password, schema, and who may do what in it. */
import { tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { createDatabase, DatabaseError, type Statement, sql, sqlState } from "../../../store/connect.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import type { DataConfig, Placement } from "../config.ts";
import { tenantPasswords } from "../credentials/passwords.ts";
import { scopeKeyOf } from "../credentials/scope-keys.ts";
import { findPlacement, recordMigrated, TenantMoving, TenantNotReady } from "../directory.ts";
import { transact } from "./create-tenant.ts";
import { type Drift, findDrift } from "./drift.ts";
import { refuseErased } from "./erased.ts";
import { movingCode } from "./moving/mark.ts";
import { fingerprints, isExposed } from "./rights/compare.ts";
import { restoreRightsStatements } from "./rights/restore.ts";
import { tenantRights } from "./rights/tenant-rights.ts";
import { tenantMigrations } from "./tenant-migrations.ts";
import { tenantRoleStatements } from "./tenant-role.ts";
import { tenantSchemaStatements } from "./tenant-schema.ts";

/** `rights`: grants, policies, row-level security, owners or functions are not those of the schema's version. */
export type TenantDrift = Drift | "rights";

export interface Repair {
  /** What was found, and mended unless it stands in `left`. */
  readonly found: readonly TenantDrift[];
  readonly left: readonly TenantDrift[];
  /** What is left lets somebody through, so nobody is connected until it is mended by hand. */
  readonly closed: boolean;
}

/** Whoever uses a table just then comes first; the repair comes again. */
const busyCodes = ["55P03", sqlState.deadlockDetected, sqlState.queryCanceled, movingCode];

/** @returns false when Postgres refused it for good: what is wrong is not ours to mend. @throws DatabaseError */
async function mend(config: DataConfig, placement: Placement, statements: readonly Statement[]): Promise<boolean> {
  try {
    await transact(config, placement, statements);
    return true;
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.unreachable || busyCodes.includes(error.code ?? "")) throw error;
    return false;
  }
}

/**
 * Looks, mends all in one transaction, and looks again. Safe at any moment and twice.
 * @throws TenantNotReady, TenantErased, TenantMoving, DatabaseError
 */
export async function repairTenant(config: DataConfig, scope: OrgScope): Promise<Repair> {
  const { org } = scope;
  const directory = createDatabase({ url: config.directoryUrl, gateway: config.gateway });
  await refuseErased(directory, scope);
  const assigned = await findPlacement(directory, scope);
  if (assigned === null || !assigned.ready) throw new TenantNotReady("the organisation has no database yet");
  if (assigned.moving) throw new TenantMoving("the organisation is being moved");
  const placement = config.placements.get(assigned.placement);
  if (placement === undefined) throw new Error("the organisation's placement is not configured here");
  const provisioner = createDatabase({ url: placement.provisionerUrl, gateway: config.gateway });
  const name = tenantIdentifier(org);
  const passwords = await tenantPasswords(config, scope, assigned);
  const look = async (): Promise<TenantDrift[]> => [
    ...(await findDrift(config, placement, name, passwords)),
    ...((await fingerprints(provisioner, [name])).get(name) === tenantRights.fingerprint ? [] : ["rights" as const]),
  ];
  const found = await look();
  const mended = await mend(config, placement, [
    ...tenantRoleStatements(name, found.includes("password") ? passwords.current : null),
    ...tenantSchemaStatements(name, tenantMigrations),
    await scopeKeyOf(config, scope, assigned),
    ...(found.includes("rights") ? restoreRightsStatements(name) : []),
  ]);
  if (mended) await recordMigrated(directory, scope, tenantMigrations.at(-1)?.number ?? 0);
  const left = found.length === 0 ? [] : await look();
  const closed = left.includes("rights") && (await isExposed(provisioner, name));
  if (closed !== assigned.closed) {
    await directory.query(
      sql`UPDATE control.organisation_placements SET closed_at = CASE WHEN ${closed} THEN now() END WHERE org_id = ${org}`,
    );
  }
  return { found, left, closed };
}
