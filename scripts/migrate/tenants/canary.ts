/** Who goes first. */
import type { OrgId } from "../../../core/ids.ts";
import type { PlacementConnections } from "./connections.ts";
import type { PlannedTenant } from "./plan.ts";

/** The organisation that was named as canary has nothing pending, or is none. */
export class NoSuchCanary extends Error {}

/**
 * Puts the canary first and mixes the placements behind it, so that no cluster gets a whole wave alone.
 * @param named who is to go first; null: the one whose audit log has been quiet for longest. It has a schema
 *   and rows like any other, and should the migration be wrong, it is the one that notices last.
 * @throws NoSuchCanary
 */
export async function orderTenants(
  connections: PlacementConnections,
  pending: readonly PlannedTenant[],
  named: OrgId | null,
): Promise<PlannedTenant[]> {
  const mixed = mixPlacements(pending);
  if (named === null && mixed.length <= 1) return mixed;
  const org = named ?? (await leastActive(connections, mixed));
  const canary = mixed.find((tenant) => tenant.org === org);
  if (canary === undefined) throw new NoSuchCanary(`${org} has no migration pending, so it can't be the canary`);
  return [canary, ...mixed.filter((tenant) => tenant !== canary)];
}

/** One of each placement in turn. Pure. */
export function mixPlacements(pending: readonly PlannedTenant[]): PlannedTenant[] {
  const groups = Map.groupBy(pending, ({ placement }) => placement);
  const longest = Math.max(0, ...[...groups.values()].map((group) => group.length));
  return Array.from({ length: longest }, (_, index) =>
    [...groups.values()].flatMap((group) => group[index] ?? []),
  ).flat();
}

async function leastActive(connections: PlacementConnections, pending: readonly PlannedTenant[]): Promise<OrgId> {
  let quietest: { org: OrgId; at: number } | null = null;
  for (const [placement, group] of Map.groupBy(pending, (tenant) => tenant.placement)) {
    // The newest entry of each log by its primary key, partition by partition; no scan.
    const { rows } = await connections.use(placement, (client) =>
      client.query<{ org: OrgId; at: number }>(
        `SELECT log AS org, coalesce((SELECT extract(epoch FROM e.occurred_at)::float8 FROM audit.events e
           WHERE e.log = wanted.log ORDER BY e.seq DESC LIMIT 1), 0) AS at
         FROM unnest($1::text[]) AS wanted (log) ORDER BY at, log LIMIT 1`,
        [group.map(({ org }) => org)],
      ),
    );
    const [row] = rows;
    if (row !== undefined && (quietest === null || row.at < quietest.at)) quietest = row;
  }
  if (quietest === null) throw new NoSuchCanary("no tenant has a migration pending");
  return quietest.org;
}
