/** What a move left where the organisation was: it goes after a grace, if the organisation works where it is. */
import { type OrgId, parseId } from "../../../../core/ids.ts";
import { tenantIdentifier } from "../../../../core/tenancy/identifiers.ts";
import { createDatabase, type Database, sql } from "../../../../store/connect.ts";
import type { OrgScope } from "../../../../store/control/org-scope.ts";
import { unfinishedScope } from "../../../../store/control/scope-makers.ts";
import type { DataConfig } from "../../config.ts";
import { tenantPasswords } from "../../credentials/passwords.ts";
import { findPlacement } from "../../directory.ts";
import { everyLoginRefused } from "../drift.ts";
import { dropSchemaAndRole } from "../drop-tenant.ts";

/**
 * Days that the old schema stays, shut. A week is long enough for whoever uses each page once a week to miss
 * something, and short enough for what should be gone (a device's telemetry past its days) not to stay for long.
 */
export const oldKeptDays = 7;
/** Old schemas of one run, some seconds each. */
const droppedMax = 5;

export interface DroppedLeft {
  readonly dropped: readonly OrgId[];
  /** They come again with the next run. */
  readonly failed: readonly { readonly org: OrgId; readonly error: unknown }[];
}

/** @throws DatabaseError when the directory can't be asked */
export async function dropLeft(config: DataConfig, directory: Database): Promise<DroppedLeft> {
  const rows = await directory.query(
    sql`SELECT m.org_id, m.source FROM control.placement_moves m JOIN control.organisation_placements o USING (org_id)
        WHERE m.step = 'done' AND m.done_at < now() - make_interval(days => ${oldKeptDays})
          AND o.placement = m.target AND o.moving_to IS NULL
          AND m.source = ANY (${[...config.placements.keys()]}::text[])
        ORDER BY m.done_at LIMIT ${droppedMax}`,
    { readOnly: true },
  );
  const dropped: OrgId[] = [];
  const failed: DroppedLeft["failed"][number][] = [];
  for (const row of rows) {
    const org = parseId("org", row["org_id"]);
    if (org === null) throw new Error("the directory holds something that was never written to it");
    try {
      if (await dropOne(config, directory, unfinishedScope(org), String(row["source"]))) dropped.push(org);
    } catch (error) {
      failed.push({ org, error });
    }
  }
  return { dropped, failed };
}

async function dropOne(config: DataConfig, directory: Database, scope: OrgScope, source: string): Promise<boolean> {
  await requireWorking(config, directory, scope, source);
  const { provisionerUrl } = config.placements.get(source) ?? {};
  if (provisionerUrl === undefined) throw new Error("the organisation's placement is not configured here");
  const old = createDatabase({ url: provisionerUrl, gateway: config.gateway });
  if (!(await dropSchemaAndRole(old, tenantIdentifier(scope.org)))) return false;
  await directory.query(sql`DELETE FROM control.placement_moves WHERE org_id = ${scope.org} AND source = ${source}`);
  return true;
}

/** The last look before what can't be taken back. @throws Error when it is not where it should be */
async function requireWorking(config: DataConfig, directory: Database, scope: OrgScope, source: string): Promise<void> {
  const assigned = await findPlacement(directory, scope);
  const placement = assigned === null ? undefined : config.placements.get(assigned.placement);
  if (assigned === null || placement === undefined || placement.name === source || assigned.closed)
    throw new Error("the organisation is not where its move led");
  const name = tenantIdentifier(scope.org);
  const passwords = await tenantPasswords(config, scope, assigned);
  if (await everyLoginRefused(config, placement, name, passwords))
    throw new Error("nobody can log in where the organisation is");
  const provisioner = createDatabase({ url: placement.provisionerUrl, gateway: config.gateway });
  const [row] = await provisioner.query(
    sql`SELECT to_regclass(${`${name}.schema_migrations`}) IS NOT NULL AND to_regclass(${`${name}.devices`}) IS NOT NULL AS whole`,
    { readOnly: true },
  );
  if (row?.["whole"] !== true) throw new Error("there is no schema where the organisation is");
}
