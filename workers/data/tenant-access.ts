/** A tenant's own connection: its role's address and a signed row scope. */
import { type RowScope, rowScopeKey, signRowScope } from "../../core/crypto/tenant-keys.ts";
import type { TenantConnection } from "../../core/rpc/data.ts";
import { tenantIdentifier } from "../../core/tenancy/identifiers.ts";
import { createDatabase, DatabaseError, type Row, type Statement, sql } from "../../store/connect.ts";
import type { OrgScope } from "../../store/control/org-scope.ts";
import { type Placement, rootNamed } from "./config.ts";
import { tenantPasswords } from "./credentials/passwords.ts";
import type { TenantPlacement } from "./directory.ts";
import { logEvent } from "./log.ts";
import { repairTenant } from "./provisioner/repair-tenant.ts";
import { tenantUrl } from "./tenant-url.ts";
import type { DataUnit } from "./unit.ts";

/** How long a row scope holds: as long as a caller may keep a connection. */
export const rowScopeMs = 5 * 60_000;

/** The placement's addresses. @throws TenantNotReady, DatabaseError */
export async function placementFor(
  unit: DataUnit,
  scope: OrgScope,
  fresh = false,
): Promise<[TenantPlacement, Placement]> {
  const assigned = await unit.placementOf(scope, { fresh });
  const placement = unit.config.placements.get(assigned.placement);
  if (placement === undefined) throw new Error("the organisation's placement is not configured here");
  return [assigned, placement];
}

/**
 * Makes the connection of one actor.
 * @param fresh look the placement up again, past the cache
 */
export async function openTenant(
  unit: DataUnit,
  scope: OrgScope,
  actor: Pick<RowScope, "user" | "role">,
  fresh = false,
): Promise<TenantConnection> {
  const [assigned, placement] = await placementFor(unit, scope, fresh);
  const { org } = scope;
  const name = tenantIdentifier(org);
  const { current, next } = await tenantPasswords(unit.config, scope, assigned);
  // Of the root that the tenant stands on: a schema in the midst of changing it takes scopes of both.
  const scopeKey = await rowScopeKey(rootNamed(unit.config, assigned.passwordRoot), org);
  const expiresAtMs = unit.now() + rowScopeMs;
  return {
    org,
    databaseUrl: tenantUrl(placement, name, current),
    fallbackDatabaseUrl: next === null ? null : tenantUrl(placement, name, next),
    rowScope: await signRowScope(scopeKey, { ...actor, expiresAtMs }),
    expiresAtMs,
  };
}

/**
 * Runs statements as the tenant's own role with the scope `system`, in one transaction. A refused
 * login is tried with the neighbouring epoch's password and a fresh look at the directory; a role that takes
 * neither is repaired.
 * @returns the rows of each statement
 * @throws TenantNotReady, DatabaseError
 */
export async function runAsSystem(unit: DataUnit, scope: OrgScope, statements: readonly Statement[]): Promise<Row[][]> {
  let refusal: unknown;
  for (const fresh of [false, true]) {
    const connection = await openTenant(unit, scope, { user: null, role: "system" }, fresh);
    const rowScope = sql`SELECT set_config('sentinel.scope', ${connection.rowScope}, true)`;
    for (const url of [connection.databaseUrl, connection.fallbackDatabaseUrl]) {
      if (url === null) continue;
      try {
        const database = createDatabase({ url, gateway: unit.config.gateway });
        const [, ...results] = await database.transaction([rowScope, ...statements]);
        return results;
      } catch (error) {
        // A refused login comes before any statement, so trying another password repeats nothing.
        if (!(error instanceof DatabaseError) || !error.loginRefused) throw error;
        refusal = error;
      }
    }
  }
  // The role has none of its passwords: SQL that ran as it set another. Nothing of the statements was run.
  if (!unit.mayRepair(scope.org)) throw refusal;
  const { found: drift } = await repairTenant(unit.config, scope);
  logEvent({ event: "tenant_repaired", org: scope.org, drift });
  return runAsSystem(unit, scope, statements);
}
