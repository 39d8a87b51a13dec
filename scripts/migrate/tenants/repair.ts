/** Asks the data Worker to repair one tenant's database, and looks at what it is afterwards. */
import { tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { fingerprintStatements } from "../../../workers/data/provisioner/rights/compare.ts";
import { tenantRights } from "../../../workers/data/provisioner/rights/tenant-rights.ts";
import type { PlacementUrl } from "../database-urls.ts";
import { asOwner } from "../owner.ts";
import { PlacementConnections, readAsProvisioner } from "./connections.ts";
import type { FoundTenant } from "./find-tenant.ts";
import { idleMsMax } from "./rotate.ts";

/** Between two looks, in milliseconds. */
const lookMs = 1_000;

export interface RepairResult {
  /** The data Worker has been there since it was asked. */
  readonly visited: boolean;
  /** Rights, policies and functions are what its version gives. */
  readonly right: boolean;
  /** Nobody is connected: what is wrong lets somebody through and could not be mended. */
  readonly closed: boolean;
}

/** @param waitMs how long to wait for the data Worker's clock */
export async function repairOneTenant(
  placements: readonly [PlacementUrl, ...PlacementUrl[]],
  { org, placement }: FoundTenant,
  waitMs: number = idleMsMax,
  everyMs: number = lookMs,
): Promise<RepairResult> {
  const state = await asOwner(placements[0].url, async (client) => {
    // "Never" is how the directory says that somebody asked: the next run repairs it, whatever it looks like.
    await client.query(
      `INSERT INTO control.rights_checks (org_id, checked_at) VALUES ($1, '-infinity')
       ON CONFLICT (org_id) DO UPDATE SET checked_at = EXCLUDED.checked_at`,
      [org],
    );
    for (const endsAt = performance.now() + waitMs; ; ) {
      const { rows } = await client.query<{ visited: boolean; closed: boolean }>(
        `SELECT c.checked_at > '-infinity' AS visited, p.closed_at IS NOT NULL AS closed
         FROM control.rights_checks c JOIN control.organisation_placements p USING (org_id) WHERE c.org_id = $1`,
        [org],
      );
      const [row] = rows;
      if (row?.visited === true || row === undefined || performance.now() > endsAt)
        return { visited: row?.visited === true, closed: row?.closed === true };
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  });
  const connections = new PlacementConnections(placements, 1);
  try {
    const right = await connections.use(placement, (client) =>
      readAsProvisioner(client, async () => {
        const [path, compare] = fingerprintStatements([tenantIdentifier(org)]);
        await client.query(path.text, path.values);
        const { rows } = await client.query<{ fingerprint: string }>(compare.text, compare.values);
        return rows[0]?.fingerprint === tenantRights.fingerprint;
      }),
    );
    return { ...state, right };
  } finally {
    await connections.end();
  }
}
