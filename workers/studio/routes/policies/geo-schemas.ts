import { z } from "@hono/zod-openapi";
import {
  countriesMax,
  type GeoPolicy,
  type GeoSurfaces,
  geoListMax,
  isAsn,
  isCountryCode,
  onlyCountries,
  surfaces,
  surfacesAt,
} from "../../../../core/tenancy/geo-policy.ts";
import { parseNetwork } from "../../../../core/tenancy/network.ts";
import { instant } from "../../http/schemas.ts";

export const country = z.string().max(2).refine(isCountryCode, "must be an ISO 3166-1 alpha-2 country code");

const countries = z
  .array(country)
  .max(countriesMax)
  .refine((list) => new Set(list).size === list.length, "must not name a country twice");

const network = z
  .string()
  .max(49)
  .refine((text) => parseNetwork(text) !== null, "must be an address or a CIDR prefix without bits beyond its length");
const asn = z.int().refine(isAsn, "must be an autonomous system number from 1 to 4294967295");

const lists = <T extends z.ZodType>(one: T) =>
  z.strictObject({ allow: z.array(one).max(geoListMax), deny: z.array(one).max(geoListMax) });

const rules = z.strictObject({ countries, networks: lists(network), asns: lists(asn) });
const everySurface = z.strictObject({ dashboard: rules, api: rules, devices: rules });

/** Longest time that a change waits for its confirmation, in minutes: an hour is a long meeting. */
export const revertMinutesMax = 60;

/** The rules that somebody wants: by surface, or the same countries for all. */
export const geoRules = z
  .strictObject({ countries: countries.optional(), surfaces: everySurface.optional() })
  .refine((given) => (given.countries === undefined) !== (given.surfaces === undefined), {
    error: "must have either countries or surfaces",
  });

export const geoChange = z
  .strictObject({
    countries: countries.optional(),
    surfaces: everySurface.optional(),
    /** What the refusal `confirmation_needed` handed out, sent back by somebody who has read it. */
    confirm: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
    /** Null: the change stays at once. Absent: 10 when it refuses somebody, else null. */
    revert_after_minutes: z.int().min(1).max(revertMinutesMax).nullable().optional(),
  })
  .refine((given) => (given.countries === undefined) !== (given.surfaces === undefined), {
    error: "must have either countries or surfaces",
  });

export const geoAnswer = z.object({
  /** Countries that every surface takes. */
  countries: z.array(z.string()),
  surfaces: everySurface,
  /** A change that goes back at this moment unless it is confirmed. */
  reverts_at: instant.nullable(),
  /** What a break-glass code opened. */
  opened: z.object({ country: z.string(), until: instant }).nullable(),
});

/** The rules as every unit reads them. */
export function surfacesOf(given: {
  readonly countries?: readonly string[] | undefined;
  readonly surfaces?: GeoSurfaces | undefined;
}): GeoSurfaces {
  return given.surfaces ?? onlyCountries(given.countries ?? []);
}

/** What holds at a moment. */
export function geoView(policy: GeoPolicy, nowMs: number): z.input<typeof geoAnswer> {
  const inForce = surfacesAt(policy, nowMs);
  const { revert, opened } = policy;
  const [first, ...others] = surfaces.map((surface) => inForce[surface].countries);
  return {
    countries: (first ?? []).filter((code) => others.every((list) => list.includes(code))),
    surfaces: copyOf(inForce),
    reverts_at: revert !== null && nowMs < revert.atMs ? new Date(revert.atMs).toISOString() : null,
    opened:
      opened !== null && nowMs < opened.untilMs
        ? { country: opened.country, until: new Date(opened.untilMs).toISOString() }
        : null,
  };
}

/** The same as plain lists, which is what an answer is made of. */
function copyOf(inForce: GeoSurfaces): z.input<typeof everySurface> {
  const rulesOf = (surface: keyof GeoSurfaces) => {
    const { countries: taken, networks, asns } = inForce[surface];
    return {
      countries: [...taken],
      networks: { allow: [...networks.allow], deny: [...networks.deny] },
      asns: { allow: [...asns.allow], deny: [...asns.deny] },
    };
  };
  return { dashboard: rulesOf("dashboard"), api: rulesOf("api"), devices: rulesOf("devices") };
}
