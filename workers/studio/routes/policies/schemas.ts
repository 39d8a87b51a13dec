import { z } from "@hono/zod-openapi";
import { isCountryCode } from "../../../../core/tenancy/policy.ts";
import { instant } from "../../http/schemas.ts";
import { instantQuery } from "../../http/time-query.ts";

/** There are some 250 countries (ISO 3166-1). */
const countriesMax = 250;

export const geoPolicy = z.strictObject({
  countries: z
    .array(z.string().max(2).refine(isCountryCode, "must be an ISO 3166-1 alpha-2 country code"))
    .max(countriesMax)
    .refine((countries) => new Set(countries).size === countries.length, "must not name a country twice"),
});
export const tlsPolicy = z.strictObject({ device_min: z.enum(["TLSv1.2", "TLSv1.3"]) });

/** Longest time that members are given, in milliseconds: a grace without an end would be no policy. */
export const mfaGraceMsMax = 366 * 24 * 3600_000;

export const mfaPolicy = z.strictObject({
  required: z.boolean(),
  /** Nobody is kept out before it; null: from now on. */
  grace_until: instantQuery.nullable(),
});
const mfaAnswer = z.object({ required: z.boolean(), grace_until: instant.nullable() });

export const policyParams = z.strictObject({ policy: z.enum(["geo", "tls", "mfa"]) });
export const policyAnswer = z.union([geoPolicy, tlsPolicy, mfaAnswer]);
