/** What a run has to do: every tenant that the directory knows, and how far its schema really is. */
import type pg from "pg";
import { type OrgId, parseId } from "../../../core/ids.ts";
import { type TenantIdentifier, tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import type { TenantMigration } from "../../../workers/data/provisioner/tenant-schema.ts";
import { type PlacementConnections, readAsProvisioner } from "./connections.ts";

export interface PlannedTenant {
  readonly org: OrgId;
  readonly name: TenantIdentifier;
  readonly placement: string;
  /** The newest migration in the schema's own ledger. */
  readonly number: number;
}

/** A tenant that this run can't bring to the newest migration, found before anything was touched. */
export interface BlockedTenant {
  readonly org: OrgId;
  readonly placement: string;
  readonly reason: string;
}

export interface TenantPlan {
  readonly pending: readonly PlannedTenant[];
  readonly current: readonly PlannedTenant[];
  readonly blocked: readonly BlockedTenant[];
  /** Their creation has not made a schema yet; it will make it at the data Worker's newest migration. */
  readonly unmade: number;
  /** Tenants of which the control plane's index says something else than the schema, with what it says (null: nothing). */
  readonly indexed: readonly { readonly tenant: PlannedTenant; readonly number: number | null }[];
}

interface DirectoryRow {
  readonly org: string;
  readonly placement: string;
  readonly ready: boolean;
  readonly indexed: number | null;
}
type Ledger = ReadonlyMap<string, readonly { readonly number: number; readonly checksum: string }[]>;

/** Schemas read in one statement; each is a branch of a UNION, and a statement's planning grows with them. */
const schemasPerRead = 50;

/**
 * Reads directory and index first and the schemas' own ledgers after: whatever is migrated meanwhile makes
 * the index look behind, never ahead.
 * @param migrations all of them, in order
 */
export async function planTenants(
  connections: PlacementConnections,
  migrations: readonly TenantMigration[],
): Promise<TenantPlan> {
  const { rows } = await connections.use(connections.control, (client) =>
    client.query<DirectoryRow>(
      `SELECT p.org_id AS org, p.placement, p.ready_at IS NOT NULL AS ready, m.number AS indexed
       FROM control.organisation_placements p LEFT JOIN control.tenant_migrations m USING (org_id) ORDER BY p.org_id`,
    ),
  );
  const placements = [...new Set(rows.map(({ placement }) => placement))];
  const ledgers = new Map<string, Ledger>();
  for (const placement of placements.filter((name) => connections.has(name)))
    ledgers.set(
      placement,
      await connections.use(placement, (client) => readAsProvisioner(client, () => readLedgers(client))),
    );

  const plan = { pending: [], current: [], blocked: [], unmade: 0, indexed: [] } as {
    -readonly [Key in keyof TenantPlan]: TenantPlan[Key] extends readonly (infer Item)[] ? Item[] : TenantPlan[Key];
  };
  for (const row of rows) {
    const org = parseId("org", row.org);
    if (org === null) throw new Error("the directory holds something that was never written to it");
    const { placement } = row;
    const applied = ledgers.get(placement)?.get(tenantIdentifier(org));
    if (applied === undefined && !row.ready) plan.unmade += 1;
    else if (!ledgers.has(placement)) plan.blocked.push({ org, placement, reason: "its placement was not named" });
    else if (applied === undefined) plan.blocked.push({ org, placement, reason: "it has no schema" });
    else {
      const tenant = { org, name: tenantIdentifier(org), placement, number: applied.at(-1)?.number ?? 0 };
      const reason = mismatch(applied, migrations);
      if (reason !== null) plan.blocked.push({ org, placement, reason });
      else (tenant.number < migrations.length ? plan.pending : plan.current).push(tenant);
      if (row.indexed !== tenant.number) plan.indexed.push({ tenant, number: row.indexed });
    }
  }
  return plan;
}

/** By schema, in order of number. */
async function readLedgers(client: pg.ClientBase): Promise<Ledger> {
  const { rows: schemas } = await client.query<{ name: string }>(
    `SELECT n.nspname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = 'schema_migrations' AND n.nspname ~ '^t_[0-9a-z]{26}$' ORDER BY 1`,
  );
  const ledgers = new Map<string, { number: number; checksum: string }[]>(schemas.map(({ name }) => [name, []]));
  for (let from = 0; from < schemas.length; from += schemasPerRead) {
    const branches = schemas
      .slice(from, from + schemasPerRead)
      .map(({ name }) => `SELECT '${name}' AS name, number, checksum FROM ${name}.schema_migrations`);
    const { rows } = await client.query<{ name: string; number: number; checksum: string }>(
      `${branches.join(" UNION ALL ")} ORDER BY name, number`,
    );
    for (const { name, number, checksum } of rows) ledgers.get(name)?.push({ number, checksum });
  }
  return ledgers;
}

/** Why a schema's history is not a beginning of ours, or null. */
function mismatch(
  applied: readonly { readonly number: number; readonly checksum: string }[],
  migrations: readonly TenantMigration[],
): string | null {
  for (const [index, { number, checksum }] of applied.entries()) {
    const known = migrations[index];
    if (known === undefined) return `its schema has migration ${number}, which this release does not know`;
    if (number !== known.number) return `its schema has migration ${number} where ${known.name} was expected`;
    if (checksum !== known.checksum)
      return `migrations/tenant/${known.name} was changed after it had been applied to it`;
  }
  return null;
}
