import { z } from "@hono/zod-openapi";
import { instant } from "../../http/schemas.ts";
import { instantQuery } from "../../http/time-query.ts";
import { geoAnswer } from "./geo-schemas.ts";
import { limitsAnswer } from "./limits-schemas.ts";
import { wafAnswer } from "./waf-schemas.ts";

export const tlsPolicy = z.strictObject({ device_min: z.enum(["TLSv1.2", "TLSv1.3"]) });

/** Longest time that members are given, in milliseconds: a grace without an end would be no policy. */
export const mfaGraceMsMax = 366 * 24 * 3600_000;

export const mfaPolicy = z.strictObject({
  required: z.boolean(),
  /** Nobody is kept out before it; null: from now on. */
  grace_until: instantQuery.nullable(),
});
const mfaAnswer = z.object({ required: z.boolean(), grace_until: instant.nullable() });

export const policyParams = z.strictObject({ policy: z.enum(["geo", "tls", "mfa", "waf", "limits"]) });
export const policyAnswer = z.union([geoAnswer, tlsPolicy, mfaAnswer, wafAnswer, limitsAnswer]);
