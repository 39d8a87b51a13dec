import type { AuditReaderRpc } from "../../../core/rpc/durable-objects.ts";
import { type GeoFacts, type GeoPolicy, judgeGeo, type Surface, surfaces } from "../../../core/tenancy/geo-policy.ts";
import { parseNetwork } from "../../../core/tenancy/network.ts";

type Traffic = Awaited<ReturnType<AuditReaderRpc["traffic"]>>;

export interface TriedTraffic {
  readonly total: number;
  /** The policy in force takes them and the other does not. */
  readonly newlyRefused: number;
  /** The geo gate refused them and the other policy would not. */
  readonly newlyAdmitted: number;
  readonly byOrigin: readonly OriginCounts[];
}
export interface OriginCounts {
  readonly surface: Surface;
  readonly country: string;
  readonly requests: number;
  readonly newlyRefused: number;
  readonly newlyAdmitted: number;
}

/** Nowhere in particular: no rule about networks is met by it. */
const nowhere = parseNetwork("::/128");

/**
 * Tries a policy on counted requests. Only rules are tried, not people: whom a traveller's exception would let in is
 * counted as refused.
 */
export function tryOn(traffic: Traffic, before: GeoPolicy, after: GeoPolicy, nowMs: number): TriedTraffic {
  const origins = new Map<string, { -readonly [K in keyof OriginCounts]: OriginCounts[K] }>();
  const sums = { total: 0, newlyRefused: 0, newlyAdmitted: 0 };
  for (const { surface, country, asn, network, admitted, count } of traffic) {
    const facts = factsOf(country, asn, network);
    const wouldPass = judgeGeo(after, surface, facts, nowMs) === "admitted";
    // What was admitted under rules of three weeks ago and is refused by today's is no news of this change.
    const passesNow = admitted && judgeGeo(before, surface, facts, nowMs) !== "refused";
    const refused = passesNow && !wouldPass ? count : 0;
    const taken = !admitted && wouldPass ? count : 0;
    const key = `${surface} ${country}`;
    const known = origins.get(key) ?? { surface, country, requests: 0, newlyRefused: 0, newlyAdmitted: 0 };
    known.requests += count;
    known.newlyRefused += refused;
    known.newlyAdmitted += taken;
    origins.set(key, known);
    sums.total += count;
    sums.newlyRefused += refused;
    sums.newlyAdmitted += taken;
  }
  const order = (one: OriginCounts, other: OriginCounts): number =>
    other.newlyRefused - one.newlyRefused ||
    other.requests - one.requests ||
    surfaces.indexOf(one.surface) - surfaces.indexOf(other.surface);
  return { ...sums, byOrigin: [...origins.values()].toSorted(order) };
}

function factsOf(country: string, asn: number, network: string): GeoFacts {
  const known = network === "" ? nowhere : parseNetwork(network);
  if (known === null || nowhere === null) throw new TypeError("not a network");
  return {
    country: country === "XX" || country === "T1" ? null : country,
    asn: asn === 0 ? null : asn,
    network: known,
  };
}
