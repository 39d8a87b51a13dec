/** How long one tenant's telemetry is kept: a row of its own schema, which only the schema's owner writes. */
import { tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import type { PlacementUrl } from "../database-urls.ts";
import { beginAsProvisioner, PlacementConnections } from "./connections.ts";
import type { FoundTenant } from "./find-tenant.ts";

/** In days; as the columns of `telemetry_policy` (migrations/tenant/0003_telemetry.sql). */
export interface Retention {
  readonly raw: number;
  readonly minute: number;
  readonly hour: number;
}

/** Requests go first: the row is read by every batch of telemetry. */
const limits = { lockMs: 2_000, transactionMs: 4_000 };

/**
 * @param change what is absent stays as it is; nothing at all only reads
 * @returns what holds now
 * @throws the driver's errors; 23514: the schema's own bounds refuse it, and nothing was changed
 */
export async function setRetention(
  placements: readonly [PlacementUrl, ...PlacementUrl[]],
  { org, placement }: FoundTenant,
  change: Partial<Retention>,
): Promise<Retention> {
  const connections = new PlacementConnections(placements, 1);
  try {
    return await connections.use(placement, async (client) => {
      await client.query(beginAsProvisioner(limits));
      const { rows } = await client.query<Retention>(
        `UPDATE ${tenantIdentifier(org)}.telemetry_policy SET raw_days = coalesce($1, raw_days),
           minute_days = coalesce($2, minute_days), hour_days = coalesce($3, hour_days)
         RETURNING raw_days AS raw, minute_days AS minute, hour_days AS hour`,
        [change.raw ?? null, change.minute ?? null, change.hour ?? null],
      );
      const [row] = rows;
      if (row === undefined) throw new Error("the schema has no retention policy");
      await client.query("COMMIT");
      return row;
    });
  } finally {
    await connections.end();
  }
}
