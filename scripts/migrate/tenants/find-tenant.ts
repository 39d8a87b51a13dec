import type pg from "pg";
import type { OrgId } from "../../../core/ids.ts";
import { asOwner } from "../owner.ts";

export interface FoundTenant {
  readonly org: OrgId;
  readonly placement: string;
}

/**
 * Where an organisation is.
 * @param controlUrl the owner's connection to the control plane
 * @returns null: there is none, or it has no finished database
 */
export async function findTenant(controlUrl: string, org: OrgId): Promise<FoundTenant | null> {
  return await asOwner(controlUrl, async (client: pg.ClientBase) => {
    const { rows } = await client.query<{ placement: string }>(
      "SELECT placement FROM control.organisation_placements WHERE ready_at IS NOT NULL AND org_id = $1",
      [org],
    );
    return rows[0] === undefined ? null : { org, placement: rows[0].placement };
  });
}
