import type { OrgId } from "../../core/ids.ts";
import type { EdgeEventsRpc, EdgeTraffic } from "../../core/rpc/durable-objects.ts";
import type { GeoFacts, Surface } from "../../core/tenancy/geo-policy.ts";
import { coarser } from "../../core/tenancy/geo-traffic.ts";
import { coarseNetwork } from "../../core/tenancy/network.ts";
import { createLateReport } from "./late-report.ts";
import { logFailure } from "./log.ts";

/**
 * How long counts gather before they are reported, in milliseconds: an isolate's three reports a minute, however
 * many requests there were. The platform lets work go on for 30 s after an answer.
 */
export const trafficPauseMs = 20_000;
/** Origins in one report; further ones are counted by country alone, of which there are few. */
export const trafficRowsMax = 500;

export interface TrafficCounter {
  /** @param ip the client's address; only the network that it lies in is kept */
  count(org: OrgId, origin: { surface: Surface | null; facts: GeoFacts; ip: string; admitted: boolean }): void;
  /** Sends what was counted, after a pause that gathers more; at once when another request's call is waiting already. */
  reportLater(events: Pick<EdgeEventsRpc, "traffic">, pause: (ms: number) => Promise<void>): Promise<void>;
}

/**
 * Counts in the isolate's memory, so that no request costs a write. Counts of an isolate that dies within the
 * pause are lost: they say what a policy would change, and decide nothing.
 */
export function createTrafficCounter(now: () => number): TrafficCounter {
  /** Written by `count` and `reportLater`. Invariant: size ≤ trafficRowsMax + a coarse row for each that is seen. */
  let rows = new Map<string, EdgeTraffic>();
  const late = createLateReport(trafficPauseMs, now);

  const add = (row: EdgeTraffic): void => {
    const full = !rows.has(keyOf(row)) && rows.size >= trafficRowsMax;
    const kept = full ? { ...row, ...coarser(row) } : row;
    const before = rows.get(keyOf(kept));
    // Thousands of organisations in one isolate: the rest of this pause goes uncounted.
    if (before === undefined && rows.size >= 2 * trafficRowsMax) return;
    rows.set(keyOf(kept), { ...kept, count: (before?.count ?? 0) + kept.count });
  };

  return {
    count(org, { surface, facts, ip, admitted }) {
      add({
        org,
        surface: surface ?? "devices",
        country: facts.country ?? "XX",
        asn: facts.asn ?? 0,
        network: coarseNetwork(ip) ?? "",
        admitted,
        count: 1,
      });
    },
    async reportLater(events, pause) {
      if (rows.size === 0) return;
      try {
        await late(pause, async () => {
          const report = [...rows.values()];
          rows = new Map();
          await events.traffic(report);
        });
      } catch (error) {
        // Not kept for another try: a policy is tried on many days, and a unit that is down must not fill this one.
        logFailure({ event: "report_failed" }, error);
      }
    },
  };
}

function keyOf({ org, surface, country, asn, network, admitted }: EdgeTraffic): string {
  return `${org} ${surface} ${country} ${asn} ${network} ${admitted}`;
}
