import { type GeoFacts, type GeoStanding, isAsn, isCountryCode, type Surface, surfaces } from "./geo-policy.ts";
import { parseNetwork } from "./network.ts";

/** What the edge saw of a request and how it judged it, for the units behind it. */
export interface GeoSeen {
  readonly facts: GeoFacts;
  /** The client's address as text. */
  readonly ip: string;
  /** Null: an MQTT upgrade whose credential is still to come, in CONNECT. */
  readonly surface: Surface | null;
  /** How the surfaces that it may be for were judged; a surface that is absent was refused. */
  readonly standings: Readonly<Partial<Record<Surface, GeoStanding>>>;
}

const standings: readonly GeoStanding[] = ["admitted", "person_only", "refused"];
/** An address, a country, a number and three words. */
const headerCharactersMax = 512;

/** One header's value. */
export function writeGeoSeen({ facts, ip, surface, standings: judged }: GeoSeen): string {
  return JSON.stringify({ country: facts.country, asn: facts.asn, ip, surface, standings: judged });
}

/** Reads it back; null when it is absent or not one of ours. */
export function readGeoSeen(header: string | null): GeoSeen | null {
  if (header === null || header.length > headerCharactersMax) return null;
  let json: Record<string, unknown> | null;
  try {
    json = JSON.parse(header) as Record<string, unknown> | null;
  } catch {
    return null;
  }
  if (typeof json !== "object" || json === null) return null;
  const { country, asn, ip, surface, standings: judged } = json;
  const network = parseNetwork(ip);
  const known = surface === null ? null : surfaces.find((one) => one === surface);
  if (network === null || known === undefined || typeof judged !== "object" || judged === null) return null;
  const facts = { country: isCountryCode(country) ? country : null, asn: isAsn(asn) ? asn : null, network };
  const given = judged as Readonly<Record<string, unknown>>;
  const read = surfaces.flatMap((one) => {
    const standing = standings.find((word) => word === given[one]);
    return standing === undefined ? [] : [[one, standing] as const];
  });
  return { facts, ip: ip as string, surface: known, standings: Object.fromEntries(read) };
}
