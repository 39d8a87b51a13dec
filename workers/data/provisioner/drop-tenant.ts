/**
 * Takes away an organisation's schema and role, for good. The control database says when that may be, by its
 * own clock and in columns that no other Worker can write: a broken Studio can ask for it, and gets it no
 * sooner than the grace allows.
 */
import type { OrgId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { DroppedTenant } from "../../../core/rpc/data.ts";
import { type TenantIdentifier, tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { createDatabase, type Database, type Statement, sql, unsafeRawSql } from "../../../store/connect.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { callScope } from "../../../store/control/scope-makers.ts";
import type { DataUnit } from "../unit.ts";
import { sweepLargeObjects } from "./tenant-role.ts";

/**
 * How long after an erasure has begun its schema is left alone, in minutes: a connection that was handed out
 * before lives five (tenant-access.ts), a signed call one. Whatever was under way has ended then, and nothing
 * begins anew, so nothing makes the schema again behind our back.
 */
export const quietMinutes = 10;

/** Runs that remove large objects before the rest is left to the next call: each removes a thousand. */
const sweepsMax = 100;
/** Hundreds of partitions are dropped in some seconds; a loaded server gets room. */
const dropMsMax = 60_000;

/**
 * Idempotent, and resumable after every statement.
 * @returns `dropped` false: not yet; ask again
 * @throws CallRefused, DatabaseError
 */
export async function dropTenant(unit: DataUnit, call: SignedCall, org: OrgId): Promise<DroppedTenant> {
  const verified = await verifyCall(
    call,
    { audience: "data.provisioner", org, jobs: ["lifecycle"] },
    unit.keys,
    unit.now(),
  );
  const scope = callScope(verified);
  if (scope === null) throw new CallRefused("wrong_org");
  const [due] = await unit.directory.query(
    sql`SELECT started_at < now() - ${quietMinutes} * interval '1 minute' AS quiet
        FROM control.org_deletions WHERE org_id = ${org} AND started_at IS NOT NULL AND delete_after <= now()`,
    { readOnly: true },
  );
  if (due === undefined) throw new Error("the organisation is not being erased");
  if (due["quiet"] !== true) return { dropped: false };
  // None: its creation never came so far.
  for (const name of await placesOf(unit.directory, scope)) {
    const placement = unit.config.placements.get(name);
    if (placement === undefined) throw new Error("the organisation's placement is not configured here");
    const database = createDatabase({ url: placement.provisionerUrl, gateway: unit.config.gateway });
    if (!(await dropSchemaAndRole(database, tenantIdentifier(org)))) return { dropped: false };
  }
  await unit.directory.query(
    sql`UPDATE control.org_deletions SET tenant_dropped_at = now() WHERE org_id = ${org} AND tenant_dropped_at IS NULL`,
  );
  return { dropped: true };
}

/** Where something of it is: its placement, and both ends of a move whose remains are still there. */
async function placesOf(directory: Database, { org }: OrgScope): Promise<string[]> {
  const rows = await directory.query(
    sql`SELECT placement AS name FROM control.organisation_placements WHERE org_id = ${org}
        UNION SELECT unnest(ARRAY[source, target]) FROM control.placement_moves WHERE org_id = ${org}`,
    { readOnly: true },
  );
  return rows.map(({ name }) => String(name));
}

/** The role is shut out first, so that nothing that it does comes in between. @returns false: there is more to do */
export async function dropSchemaAndRole(database: Database, name: TenantIdentifier): Promise<boolean> {
  if (await roleExists(database, name)) {
    await database.transaction(shutOutStatements(name));
    // One by one under the lock table's bound: DROP OWNED would take a lock for each of a million at once.
    for (let sweep = 0; await ownsLargeObjects(database, name); sweep += 1) {
      if (sweep === sweepsMax) return false;
      await database.query(sweepLargeObjects(name));
    }
    await database.transaction(dropStatements(name), { timeoutMs: dropMsMax });
  }
  // Without a role there may be a schema still: a creation that was cut short left none, a hand may have.
  await database.query(sql`DROP SCHEMA IF EXISTS ${unsafeRawSql(name)} CASCADE`, { timeoutMs: dropMsMax });
  return true;
}

/** It can't log in any more, and its sessions end. Whoever made a role may take its rights, for one transaction. */
export function shutOutStatements(name: TenantIdentifier): Statement[] {
  const role = unsafeRawSql(name);
  return [
    sql`ALTER ROLE ${role} NOLOGIN`,
    sql`GRANT ${role} TO CURRENT_USER WITH INHERIT TRUE, SET FALSE`,
    sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ${name}`,
    sql`REVOKE ${role} FROM CURRENT_USER`,
  ];
}

function dropStatements(name: TenantIdentifier): Statement[] {
  const role = unsafeRawSql(name);
  return [
    sql`DROP SCHEMA IF EXISTS ${role} CASCADE`,
    sql`GRANT ${role} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE`,
    sql`DROP OWNED BY ${role} CASCADE`,
    sql`DROP ROLE ${role}`,
  ];
}

async function roleExists(database: Database, name: TenantIdentifier): Promise<boolean> {
  const rows = await database.query(sql`SELECT FROM pg_roles WHERE rolname = ${name}`, { readOnly: true });
  return rows.length > 0;
}

async function ownsLargeObjects(database: Database, name: TenantIdentifier): Promise<boolean> {
  const rows = await database.query(
    sql`SELECT FROM pg_largeobject_metadata m JOIN pg_roles r ON r.oid = m.lomowner WHERE r.rolname = ${name} LIMIT 1`,
    { readOnly: true },
  );
  return rows.length > 0;
}
