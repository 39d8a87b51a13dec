import { z } from "@hono/zod-openapi";
import { isCountryCode } from "../../../../core/tenancy/policy.ts";

/** There are some 250 countries (ISO 3166-1). */
const countriesMax = 250;

export const geoPolicy = z.strictObject({
  countries: z
    .array(z.string().max(2).refine(isCountryCode, "must be an ISO 3166-1 alpha-2 country code"))
    .max(countriesMax)
    .refine((countries) => new Set(countries).size === countries.length, "must not name a country twice"),
});
export const tlsPolicy = z.strictObject({ device_min: z.enum(["TLSv1.2", "TLSv1.3"]) });

export const policyParams = z.strictObject({ policy: z.enum(["geo", "tls"]) });
export const policyAnswer = z.union([geoPolicy, tlsPolicy]);
