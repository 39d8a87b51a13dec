import { type LivedInTenant, makeTenant, moveIn } from "../../support/lived-in-tenant.ts";
import type { PlacementDatabases } from "../../support/placement-databases.ts";
import { milliseconds, type Row } from "../report.ts";
import { quantile, throughput, timeEach } from "../statistics.ts";

/** Of these many, a quarter is made one after another for the latency, and the rest for the throughput. */
const lanes = 4;

/** Schema, role, scope key and directory of a new organisation, by the data Worker's own code. */
export async function benchTenantCreation(
  world: PlacementDatabases,
  count: number,
): Promise<{ rows: Row[]; tenants: LivedInTenant[] }> {
  const tenants: LivedInTenant[] = [];
  const make = async (): Promise<void> => {
    tenants.push(await makeTenant(world.config));
  };
  const alone = Math.floor(count / 4);
  const times = await timeEach(alone, make);
  const perSecond = await throughput(count - alone, lanes, make);
  for (const tenant of tenants) await moveIn(world.config, tenant);
  const rows = [
    { what: "creating a tenant, one at a time, p50", value: milliseconds(quantile(times, 0.5)), beside: "–" },
    { what: "the same, p99", value: milliseconds(quantile(times, 0.99)), beside: "–" },
    { what: `creating tenants, ${lanes} at once`, value: `${perSecond.toFixed(1)} a second`, beside: "–" },
  ];
  return { rows, tenants };
}
