import type { OrgId } from "../../core/ids.ts";
import type { EdgeEventsRpc, EdgeTraffic } from "../../core/rpc/durable-objects.ts";
import type { GeoFacts, Surface } from "../../core/tenancy/geo-policy.ts";
import { coarser } from "../../core/tenancy/geo-traffic.ts";
import { coarseNetwork } from "../../core/tenancy/network.ts";
import { createFoldedReport } from "./folded-report.ts";

/**
 * How long counts gather before they are reported, in milliseconds: an isolate's three reports a minute, however
 * many requests there were.
 */
export const trafficPauseMs = 20_000;
/** Origins in one report; further ones are counted by country alone, of which there are few. */
export const trafficRowsMax = 500;

export interface TrafficCounter {
  /** @param ip the client's address; only the network that it lies in is kept */
  count(org: OrgId, origin: { surface: Surface | null; facts: GeoFacts; ip: string; admitted: boolean }): void;
  /** Sends what was counted, after a pause that gathers more; null: nothing, or another request's call waits already. */
  reportLater(events: Pick<EdgeEventsRpc, "traffic">, pause: (ms: number) => Promise<void>): Promise<void> | null;
}

/** Counts say what a policy would change, and decide nothing: what is lost with an isolate is not missed. */
export function createTrafficCounter(now: () => number): TrafficCounter {
  const folded = createFoldedReport<EdgeTraffic>(
    {
      pauseMs: trafficPauseMs,
      rowsMax: trafficRowsMax,
      // Thousands of organisations in one isolate: the rest of a pause goes uncounted.
      allRowsMax: 2 * trafficRowsMax,
      keyOf: ({ org, surface, country, asn, network, admitted }) =>
        `${org} ${surface} ${country} ${asn} ${network} ${admitted}`,
      coarser: (row) => ({ ...row, ...coarser(row) }),
      merge: (before, added) => ({ ...before, count: before.count + added.count }),
      keepsUnsent: false,
    },
    now,
  );
  return {
    count(org, { surface, facts, ip, admitted }) {
      folded.add({
        org,
        surface: surface ?? "devices",
        country: facts.country ?? "XX",
        asn: facts.asn ?? 0,
        network: coarseNetwork(ip) ?? "",
        admitted,
        count: 1,
      });
    },
    reportLater: (events, pause) => folded.sendLater(pause, (rows) => events.traffic(rows)),
  };
}
