/** The clock's look at every tenant's rights: some milliseconds each, those that nobody looked at longest first. */
import { type OrgId, parseId } from "../../../../core/ids.ts";
import { type TenantIdentifier, tenantIdentifier } from "../../../../core/tenancy/identifiers.ts";
import { createDatabase, type Database, sql } from "../../../../store/connect.ts";
import type { OrgScope } from "../../../../store/control/org-scope.ts";
import { unfinishedScope } from "../../../../store/control/scope-makers.ts";
import type { DataConfig } from "../../config.ts";
import { repairTenant } from "../repair-tenant.ts";
import { tenantMigrations } from "../tenant-migrations.ts";
import { comparedAtOnce, fingerprints } from "./compare.ts";
import { tenantRights } from "./tenant-rights.ts";

/** Tenants of one run: with one every five minutes a platform of 12,000 is gone through in an hour. */
const checkedMax = 1_000;
/** Repairs of one run: each is a transaction of some hundred statements that locks its tenant's tables. */
const repairsMax = 20;

export interface RightsCheck {
  readonly checked: number;
  readonly repaired: readonly {
    readonly org: OrgId;
    readonly drift: readonly string[];
    readonly left: boolean;
    readonly closed: boolean;
  }[];
  /** With the error; they are looked at again in the next run. */
  readonly failed: readonly { readonly org: OrgId | null; readonly error: unknown }[];
}

interface Checked {
  readonly org: OrgId;
  readonly scope: OrgScope;
  readonly name: TenantIdentifier;
  readonly placement: string;
  /** Somebody asked for a repair (`tenants repair`), or the last run found that it needs one. */
  readonly asked: boolean;
}

/**
 * Compares tenants at the newest migration with what it gives them, and repairs those that differ. One that a
 * repair does not mend comes again with all the others, an hour later at the latest.
 * @throws DatabaseError when the directory can't be asked
 */
export async function checkRights(
  config: DataConfig,
  directory: Database,
  most: number = checkedMax,
): Promise<RightsCheck> {
  // Until a wave has come by, a tenant's rights are those of another version. A bundle whose parts don't match checks nobody.
  if (tenantRights.number !== tenantMigrations.length) return { checked: 0, repaired: [], failed: [] };
  const due = await dueChecks(directory, config, most);
  const failed: { org: OrgId | null; error: unknown }[] = [];
  const differing = due.filter(({ asked }) => asked);
  for (const [name, group] of Map.groupBy(
    due.filter(({ asked }) => !asked),
    ({ placement }) => placement,
  )) {
    const url = config.placements.get(name)?.provisionerUrl ?? "";
    const provisioner = createDatabase({ url, gateway: config.gateway });
    for (let from = 0; from < group.length; from += comparedAtOnce) {
      const some = group.slice(from, from + comparedAtOnce);
      try {
        const found = await fingerprints(
          provisioner,
          some.map(({ name: schema }) => schema),
        );
        const isRight = ({ name: schema }: Checked): boolean => found.get(schema) === tenantRights.fingerprint;
        differing.push(...some.filter((one) => !isRight(one)));
        await recordChecks(directory, some.filter(isRight), "now");
      } catch (error) {
        // A placement that is away: its tenants go to the end of the queue with the rest.
        failed.push({ org: null, error });
        await recordChecks(directory, some, "now");
      }
    }
  }
  const repaired: RightsCheck["repaired"][number][] = [];
  for (const one of differing.slice(0, repairsMax)) {
    try {
      const { found, left, closed } = await repairTenant(config, one.scope);
      repaired.push({ org: one.org, drift: found, left: left.length > 0, closed });
    } catch (error) {
      failed.push({ org: one.org, error });
    }
    // Also when it failed: it comes again with the others, and holds up nobody meanwhile.
    await recordChecks(directory, [one], "now");
  }
  // Whoever found no room is first in the next run, and is not compared once more.
  await recordChecks(directory, differing.slice(repairsMax), "asked");
  return { checked: due.length, repaired, failed };
}

async function dueChecks(directory: Database, config: DataConfig, most: number): Promise<Checked[]> {
  const rows = await directory.query(
    sql`SELECT p.org_id, p.placement, coalesce(c.checked_at = '-infinity', false) AS asked FROM control.organisation_placements p
        JOIN control.tenant_migrations m USING (org_id) LEFT JOIN control.rights_checks c USING (org_id)
        WHERE p.ready_at IS NOT NULL AND p.moving_to IS NULL AND p.placement = ANY (${[...config.placements.keys()]}::text[])
          AND m.number = ${tenantRights.number}
        ORDER BY (c.checked_at = '-infinity') DESC NULLS LAST, c.checked_at NULLS FIRST, p.org_id LIMIT ${most}`,
    { readOnly: true },
  );
  return rows.map((row) => {
    const org = parseId("org", row["org_id"]);
    if (org === null) throw new Error("the directory holds something that was never written to it");
    return {
      org,
      scope: unfinishedScope(org),
      name: tenantIdentifier(org),
      placement: String(row["placement"]),
      asked: row["asked"] === true,
    };
  });
}

/** @param as `asked`: as if nobody had ever looked, which is how a repair is asked for */
async function recordChecks(directory: Database, tenants: readonly Checked[], as: "now" | "asked"): Promise<void> {
  if (tenants.length === 0) return;
  const at = as === "now" ? sql`clock_timestamp()` : sql`'-infinity'::timestamptz`;
  await directory.query(
    sql`INSERT INTO control.rights_checks (org_id, checked_at) SELECT org_id, ${at}
          FROM control.organisation_placements WHERE org_id = ANY (${tenants.map(({ org }) => org)}::text[])
        ON CONFLICT (org_id) DO UPDATE SET checked_at = EXCLUDED.checked_at`,
  );
}
