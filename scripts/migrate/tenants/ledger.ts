/** The control plane's index of how far each tenant is. The schemas' own ledgers are the truth. */
import type pg from "pg";
import type { OrgId } from "../../../core/ids.ts";
import { unfinishedScope } from "../../../store/control/scope-makers.ts";
import { migratedStatement } from "../../../workers/data/directory.ts";
import type { TenantPlan } from "./plan.ts";

/** Records a tenant whose transaction has been committed, as the data Worker does. */
export async function recordTenant(control: pg.ClientBase, org: OrgId, number: number): Promise<void> {
  const { text, values } = migratedStatement(unfinishedScope(org), number);
  await control.query(text, values);
}

/**
 * Brings the index to what a plan read from the schemas: behind after a kill between commit and record, ahead
 * after a schema was restored from a backup. A row that changed since it was read is left alone.
 */
export async function correctIndex(control: pg.ClientBase, indexed: TenantPlan["indexed"]): Promise<void> {
  if (indexed.length === 0) return;
  const read = [
    indexed.map(({ tenant }) => tenant.org),
    indexed.map(({ tenant }) => tenant.number),
    indexed.map(({ number }) => number),
  ];
  // In one statement the condition would be judged by the statement's snapshot; an UPDATE that had to wait
  // for a row judges the row as it is then.
  await control.query(
    `UPDATE control.tenant_migrations m SET number = read.number, migrated_at = now()
     FROM unnest($1::text[], $2::int[], $3::int[]) AS read (org, number, before)
     WHERE m.org_id = read.org AND m.number = read.before`,
    read,
  );
  await control.query(
    `INSERT INTO control.tenant_migrations (org_id, number)
     SELECT p.org_id, read.number FROM unnest($1::text[], $2::int[], $3::int[]) AS read (org, number, before)
     JOIN control.organisation_placements p ON p.org_id = read.org
     WHERE read.before IS NULL ON CONFLICT DO NOTHING`,
    read,
  );
}
