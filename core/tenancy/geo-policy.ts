/**
 * From where an organisation takes requests. Pure: the edge, studio and the hub judge by the same function, so
 * they can't disagree about one policy.
 */
import { parseId, type UserId } from "../ids.ts";
import { contains, type Network, overlaps, parseNetwork } from "./network.ts";

/**
 * What is reached, told by how a request proves itself and by its route: pages, sign-in and the session cookie
 * are the dashboard; a bearer token is the API; enrolment, and whoever connects with a device's token, are devices.
 */
export const surfaces = ["dashboard", "api", "devices"] as const;
export type Surface = (typeof surfaces)[number];

/** Who is let in on one surface. What is denied is refused whatever else allows it. */
export interface SurfaceRules {
  /** ISO 3166-1 alpha-2 codes. */
  readonly countries: readonly string[];
  /** CIDR prefixes. `allow` lets in from countries that are not listed; `deny` beats everything. */
  readonly networks: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** Autonomous system numbers (RFC 6793), likewise. */
  readonly asns: { readonly allow: readonly number[]; readonly deny: readonly number[] };
}
export type GeoSurfaces = Readonly<Record<Surface, SurfaceRules>>;

/** One person may come from one more country until a day. */
export interface TravelException {
  readonly user: UserId;
  readonly country: string;
  readonly untilMs: number;
}

export interface GeoPolicy {
  readonly surfaces: GeoSurfaces;
  /** A change that nobody has confirmed yet: from `atMs` (Unix) on, `surfaces` here are what holds. */
  readonly revert: { readonly atMs: number; readonly surfaces: GeoSurfaces } | null;
  readonly exceptions: readonly TravelException[];
  /** A break-glass code was used: the dashboard opens to this country, whatever the rules say. */
  readonly opened: { readonly country: string; readonly untilMs: number } | null;
}

/** Where something comes from, as the platform says it. */
export interface GeoFacts {
  /** Null: unknown, Tor, missing or malformed. */
  readonly country: string | null;
  /** Null: the platform did not say. */
  readonly asn: number | null;
  /** The address, or the coarse network that was kept of it. */
  readonly network: Network;
}

/** There are some 250 countries. */
export const countriesMax = 250;
/** Entries of one list of networks or numbers: a policy stays under 64 KiB, and a check under 10,000 comparisons. */
export const geoListMax = 100;
/** Travellers at a time: a policy with them is read at every request. */
export const exceptionsMax = 200;
/** RFC 6793: four octets; 0 is nobody's (RFC 7607). */
const asnMax = 0xffff_ffff;

export type GeoRefusal = "unknown_country" | "denied_network" | "denied_asn" | "unknown_asn" | "not_listed";
export type GeoVerdict = { readonly kind: "admitted" } | { readonly kind: "refused"; readonly why: GeoRefusal };

const admitted: GeoVerdict = { kind: "admitted" };
const refused = (why: GeoRefusal): GeoVerdict => ({ kind: "refused", why });

/**
 * Judges by one surface's rules. An unknown country is refused before any list is asked; so is an unknown number
 * where numbers are denied. A network that is known only coarsely counts as denied when any of it is, and as
 * allowed only when all of it is: a doubt never lets in.
 */
export function judgeSurface(rules: SurfaceRules, facts: GeoFacts): GeoVerdict {
  const { country, asn, network } = facts;
  if (country === null) return refused("unknown_country");
  const { allow, deny } = compiled(rules);
  if (deny.some((denied) => overlaps(denied, network))) return refused("denied_network");
  if (rules.asns.deny.length > 0 && asn === null) return refused("unknown_asn");
  if (asn !== null && rules.asns.deny.includes(asn)) return refused("denied_asn");
  if (rules.countries.includes(country)) return admitted;
  if (asn !== null && rules.asns.allow.includes(asn)) return admitted;
  return allow.some((allowed) => contains(allowed, network)) ? admitted : refused("not_listed");
}

/** `person_only`: only a traveller with an exception may pass, once it is known who it is. */
export type GeoStanding = "admitted" | "person_only" | "refused";

/** Judges by a whole policy at a moment (Unix milliseconds). */
export function judgeGeo(policy: GeoPolicy, surface: Surface, facts: GeoFacts, nowMs: number): GeoStanding {
  const { country } = facts;
  if (country === null) return "refused";
  const { opened } = policy;
  if (surface === "dashboard" && opened !== null && opened.country === country && nowMs < opened.untilMs)
    return "admitted";
  const verdict = judgeSurface(surfacesAt(policy, nowMs)[surface], facts);
  if (verdict.kind === "admitted") return "admitted";
  // An exception stands in for the country alone: what is denied by name stays denied to travellers.
  if (verdict.why !== "not_listed" || surface === "devices") return "refused";
  return policy.exceptions.some((one) => one.country === country && nowMs < one.untilMs) ? "person_only" : "refused";
}

/** Whether this person may pass where {@link judgeGeo} says `person_only`. */
export function mayTravel(policy: GeoPolicy, user: UserId, country: string | null, nowMs: number): boolean {
  return policy.exceptions.some((one) => one.user === user && one.country === country && nowMs < one.untilMs);
}

/** The rules in force at a moment: an unconfirmed change ends by itself. */
export function surfacesAt(policy: Pick<GeoPolicy, "surfaces" | "revert">, nowMs: number): GeoSurfaces {
  const { revert } = policy;
  return revert !== null && nowMs >= revert.atMs ? revert.surfaces : policy.surfaces;
}

/** The same countries on every surface, and nothing else. */
export function onlyCountries(countries: readonly string[]): GeoSurfaces {
  const none = { allow: [], deny: [] };
  const rules = { countries, networks: none, asns: none };
  return { dashboard: rules, api: rules, devices: rules };
}

/** A policy of these rules with nothing pending. */
export function plainGeoPolicy(rules: GeoSurfaces): GeoPolicy {
  return { surfaces: rules, revert: null, exceptions: [], opened: null };
}

/** Two capital letters that can be a country; Cloudflare's `XX` (unknown) and `T1` (Tor) never are. */
export function isCountryCode(text: unknown): text is string {
  return typeof text === "string" && /^[A-Z]{2}$/.test(text) && text !== "XX";
}

export function isAsn(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= asnMax;
}

/**
 * The facts that the platform gives of a request (`request.cf`).
 * @param network the client's address, parsed
 */
export function readGeoFacts(cf: Readonly<Record<string, unknown>> | undefined, network: Network): GeoFacts {
  const country = cf?.["country"];
  const asn = cf?.["asn"];
  return { country: isCountryCode(country) ? country : null, asn: isAsn(asn) ? asn : null, network };
}

interface CompiledNetworks {
  readonly allow: readonly Network[];
  readonly deny: readonly Network[];
}
/** Parsed lists by the rules they are of: a policy is kept for a minute and judged by at every request. */
const compiledRules = new WeakMap<SurfaceRules, CompiledNetworks>();

function compiled(rules: SurfaceRules): CompiledNetworks {
  const known = compiledRules.get(rules);
  if (known !== undefined) return known;
  const made = { allow: rules.networks.allow.map(networkOf), deny: rules.networks.deny.map(networkOf) };
  compiledRules.set(rules, made);
  return made;
}

/** @throws TypeError: rules are parsed before they are judged by, so this is a bug, and a gate that throws refuses */
function networkOf(text: string): Network {
  const network = parseNetwork(text);
  if (network === null) throw new TypeError("a list of networks was not parsed");
  return network;
}

/** Parses what is stored or published. Anything not exactly right is null, and a null policy refuses. */
export function parseGeoPolicy(json: unknown): GeoPolicy | null {
  const value = recordOf(json);
  const rules = parseSurfaces(value?.["surfaces"]);
  const revert = value?.["revert"] === null ? null : parseRevert(value?.["revert"]);
  const exceptions = listOf(value?.["exceptions"], exceptionsMax, parseException);
  const opened = value?.["opened"] === null ? null : parseOpened(value?.["opened"]);
  if (rules === null || revert === undefined || exceptions === null || opened === undefined) return null;
  return { surfaces: rules, revert, exceptions, opened };
}

/** Parses the rules of all surfaces. */
export function parseSurfaces(json: unknown): GeoSurfaces | null {
  const value = recordOf(json);
  const [dashboard, api, devices] = surfaces.map((surface) => parseRules(value?.[surface]));
  return dashboard && api && devices ? { dashboard, api, devices } : null;
}

function parseRules(json: unknown): SurfaceRules | null {
  const value = recordOf(json);
  const countries = listOf(value?.["countries"], countriesMax, (one) => (isCountryCode(one) ? one : null));
  const networks = parseLists(value?.["networks"], (one) => (parseNetwork(one) === null ? null : (one as string)));
  const asns = parseLists(value?.["asns"], (one) => (isAsn(one) ? one : null));
  return countries && networks && asns ? { countries, networks, asns } : null;
}

function parseLists<T>(json: unknown, parse: (one: unknown) => T | null): { allow: T[]; deny: T[] } | null {
  const value = recordOf(json);
  const allow = listOf(value?.["allow"], geoListMax, parse);
  const deny = listOf(value?.["deny"], geoListMax, parse);
  return allow && deny ? { allow, deny } : null;
}

/** Undefined: malformed. */
function parseRevert(json: unknown): GeoPolicy["revert"] | undefined {
  const value = recordOf(json);
  const atMs = value?.["atMs"];
  const rules = parseSurfaces(value?.["surfaces"]);
  return isInstant(atMs) && rules !== null ? { atMs, surfaces: rules } : undefined;
}

function parseException(json: unknown): TravelException | null {
  const value = recordOf(json);
  const user = parseId("user", value?.["user"]);
  const opened = parseOpened(json);
  return user === null || opened == null ? null : { user, ...opened };
}

/** Undefined: malformed. */
function parseOpened(json: unknown): GeoPolicy["opened"] | undefined {
  const value = recordOf(json);
  const country = value?.["country"];
  const untilMs = value?.["untilMs"];
  return isCountryCode(country) && isInstant(untilMs) ? { country, untilMs } : undefined;
}

function isInstant(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function recordOf(json: unknown): Readonly<Record<string, unknown>> | null {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : null;
}

function listOf<T>(json: unknown, max: number, parse: (one: unknown) => T | null): T[] | null {
  if (!Array.isArray(json) || json.length > max) return null;
  const parsed = json.map(parse);
  return parsed.every((one) => one !== null) ? (parsed as T[]) : null;
}
