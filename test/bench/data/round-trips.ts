import { roundTrips } from "../../postgres/studio/round-trips.ts";
import type { Row } from "../report.ts";

/**
 * How often one request asks the control database, by how often: the table that
 * test/postgres/studio/round-trips.test.ts holds to what is counted at the gateway.
 */
export function countRoundTrips(): Row[] {
  const groups = Map.groupBy(Object.entries(roundTrips), ([, count]) => count);
  return [...groups]
    .toSorted(([a], [b]) => a - b)
    .map(([count, routes]) => ({
      what: `routes with ${count} round trip${count === 1 ? "" : "s"} to the control database`,
      value: `${routes.length}: ${routes.map(([name]) => name).join(", ")}`,
      beside: "–",
    }));
}
