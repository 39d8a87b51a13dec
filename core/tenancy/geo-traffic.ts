import type { Surface } from "./geo-policy.ts";

/**
 * Where requests came from, as coarsely as a geo policy can be tried on: never an address. `XX` is an unknown
 * country; 0 and "" stand for a number or network that is not known, or that was one too many to count apart.
 */
export interface TrafficOrigin {
  readonly surface: Surface;
  readonly country: string;
  readonly asn: number;
  /** A /24 or /48. */
  readonly network: string;
  /** False: the geo gate refused them. */
  readonly admitted: boolean;
}

/** Days that counts are kept for. */
export const trafficDaysMax = 30;

/** Counts that find no room of their own are kept by country. */
export function coarser(origin: TrafficOrigin): TrafficOrigin {
  return { ...origin, asn: 0, network: "" };
}
