import { type OrgId, type OrgSlug, parseId, parseSlug } from "../ids.ts";
import { type GeoPolicy, isCountryCode, onlyCountries, parseGeoPolicy, plainGeoPolicy } from "./geo-policy.ts";
import { defaultLimitsPolicy, type LimitsPolicy, parseLimitsPolicy } from "./limits-policy.ts";
import { type OrgState, parseOrgState } from "./org-state.ts";
import { defaultWafPolicy, parseWafPolicy, type WafPolicy } from "./waf-policy.ts";

/**
 * What the edge knows of an organisation before anyone is known. Studio writes it to the POLICIES
 * KV namespace; the edge reads it and caches it for at most a minute.
 * Keys: `slug:{slug}` → org id · `org:{org_id}` → this object as JSON.
 */
export interface OrgPolicy {
  readonly version: 2;
  readonly org: OrgId;
  readonly slug: OrgSlug;
  readonly status: OrgState;
  /** From where requests are taken. */
  readonly geo: GeoPolicy;
  /** The oldest TLS version a device may use; people always need 1.3. */
  readonly tlsDeviceMin: "TLSv1.2" | "TLSv1.3";
  /** What becomes of requests that look like attacks. */
  readonly waf: WafPolicy;
  /** How much its clients and devices may ask. */
  readonly limits: LimitsPolicy;
}

/** Judges requests that address no organisation: India only. */
export const platformPolicy: Pick<OrgPolicy, "geo" | "tlsDeviceMin" | "waf"> = {
  geo: plainGeoPolicy(onlyCountries(["IN"])),
  tlsDeviceMin: "TLSv1.3",
  waf: defaultWafPolicy,
};

/** A new organisation starts with this. */
export function defaultOrgPolicy(org: OrgId, slug: OrgSlug): OrgPolicy {
  return { version: 2, org, slug, status: "active", ...platformPolicy, limits: defaultLimitsPolicy };
}

export const policyKey = {
  slug: (slug: OrgSlug): string => `slug:${slug}`,
  org: (org: OrgId): string => `org:${org}`,
};

/** Parses what KV holds. Anything not exactly right is null, and a null policy refuses (fail closed). */
export function parseOrgPolicy(json: unknown): OrgPolicy | null {
  if (typeof json !== "object" || json === null) return null;
  const value = json as Record<string, unknown>;
  const org = parseId("org", value["org"]);
  const slug = parseSlug(value["slug"]);
  const geo = parseGeo(value);
  const tls = value["tlsDeviceMin"];
  const status = parseOrgState(value["status"]);
  // Documents of before there was a choice have neither; an edge of before it ignores them, and judges by the platform's.
  const waf = value["waf"] === undefined ? defaultWafPolicy : parseWafPolicy(value["waf"]);
  if (org === null || slug === null || geo === null) return null;
  if (tls !== "TLSv1.2" && tls !== "TLSv1.3") return null;
  const limits = value["limits"] === undefined ? defaultLimitsPolicy : parseLimitsPolicy(value["limits"]);
  if (status === null || waf === null || limits === null) return null;
  return { version: 2, org, slug, status, geo, tlsDeviceMin: tls, waf, limits };
}

/** Version 1, published before there were surfaces, had one list of countries for all of them. */
function parseGeo(value: Readonly<Record<string, unknown>>): GeoPolicy | null {
  if (value["version"] === 2) return parseGeoPolicy(value["geo"]);
  const countries = value["geoCountries"];
  if (value["version"] !== 1 || !Array.isArray(countries) || countries.length > 250) return null;
  return countries.every(isCountryCode) ? plainGeoPolicy(onlyCountries(countries)) : null;
}

/** Whether an organisation asks its members for a second factor. Studio's to enforce; the edge knows nothing of it. */
export interface MfaPolicy {
  readonly required: boolean;
  /** Until then (Unix milliseconds) nobody is kept out for lack of one; null: from now on. */
  readonly graceUntilMs: number | null;
}

/** What holds where nothing was set. */
export const mfaNotRequired: MfaPolicy = { required: false, graceUntilMs: null };

/** What counts of a person and their session. */
export interface MfaHolder {
  /** A session of an API key is exempt: it belongs to a program, which has no second factor. */
  readonly kind: "person" | "api_key";
  /** Has an authenticator app or a passkey. */
  readonly hasFactor: boolean;
  /** A second factor was shown in this session, and is one still. */
  readonly mfa: boolean;
}

export type MfaVerdict = "satisfied" | "enrollment_required" | "step_up_required";

/** Judges a member's session by the organisation's policy; the same wherever a token or an answer depends on it. */
export function judgeMfa(policy: MfaPolicy, holder: MfaHolder, nowMs: number): MfaVerdict {
  const inGrace = policy.graceUntilMs !== null && nowMs < policy.graceUntilMs;
  if (!policy.required || inGrace || holder.kind === "api_key") return "satisfied";
  // Also without a factor of ours: an issuer that is trusted for it may have seen two.
  if (holder.mfa) return "satisfied";
  return holder.hasFactor ? "step_up_required" : "enrollment_required";
}
