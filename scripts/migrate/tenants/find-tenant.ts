import type pg from "pg";
import { type OrgId, parseId } from "../../../core/ids.ts";
import { asOwner } from "../owner.ts";

export interface FoundTenant {
  readonly org: OrgId;
  readonly placement: string;
}

/**
 * Where an organisation is, by its id or slug.
 * @param controlUrl the owner's connection to the control plane
 * @returns null: there is none, or it has no finished database
 */
export async function findTenant(controlUrl: string, named: string): Promise<FoundTenant | null> {
  return await asOwner(controlUrl, async (client: pg.ClientBase) => {
    const { rows } = await client.query<{ org: string; placement: string }>(
      `SELECT p.org_id AS org, p.placement FROM control.organisation_placements p
       LEFT JOIN control.organisations o ON o.id = p.org_id
       WHERE p.ready_at IS NOT NULL AND (p.org_id = $1 OR o.slug = $1)`,
      [named],
    );
    const org = parseId("org", rows[0]?.org);
    return rows[0] === undefined || org === null ? null : { org, placement: rows[0].placement };
  });
}
