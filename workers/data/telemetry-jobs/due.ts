/** Whose turn it is: the organisations which the job has left alone longest. */
import { parseId } from "../../../core/ids.ts";
import { type Database, sql } from "../../../store/connect.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { unfinishedScope } from "../../../store/control/scope-makers.ts";

/**
 * Organisations with a finished schema, the longest unattended first. Those that are shut are left as they are:
 * what a suspended one keeps must still be there when it is opened again. Those that are being moved can't be written to.
 * @param placements those that this Worker is configured for
 * @throws DatabaseError
 */
export async function dueOrganisations(
  directory: Database,
  placements: readonly string[],
  most: number,
): Promise<OrgScope[]> {
  const rows = await directory.query(
    sql`SELECT p.org_id FROM control.organisation_placements p LEFT JOIN control.telemetry_jobs j USING (org_id)
        WHERE p.ready_at IS NOT NULL AND p.moving_to IS NULL AND NOT EXISTS (SELECT FROM control.organisations o
            WHERE o.id = p.org_id AND o.status IN ('suspended', 'deleting'))
          AND p.placement = ANY (${placements}::text[])
        ORDER BY coalesce(j.ran_at, p.ready_at), p.org_id LIMIT ${most}`,
    { readOnly: true },
  );
  return rows.map((row) => {
    const org = parseId("org", row["org_id"]);
    if (org === null) throw new Error("the directory holds something that was never written to it");
    return unfinishedScope(org);
  });
}

/** To the end of the queue; whatever became of the visit, or one broken schema would hold up the rest. */
export async function recordVisit(directory: Database, { org }: OrgScope): Promise<void> {
  await directory.query(
    sql`INSERT INTO control.telemetry_jobs (org_id, ran_at) VALUES (${org}, clock_timestamp())
        ON CONFLICT (org_id) DO UPDATE SET ran_at = EXCLUDED.ran_at`,
  );
}
