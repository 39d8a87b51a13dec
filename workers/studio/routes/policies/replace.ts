import { z } from "@hono/zod-openapi";
import { type PolicyDocument, writePolicy } from "../../../../store/control/policies.ts";
import { defineRoute } from "../../http/define-route.ts";
import { fieldErrors } from "../../http/field-errors.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { publishPolicy } from "../organisations/publish-policy.ts";
import { geoChange } from "./geo-schemas.ts";
import { limitsChange } from "./limits-schemas.ts";
import { replaceGeoPolicy } from "./replace-geo.ts";
import { replaceLimitsPolicy } from "./replace-limits.ts";
import { replaceMfaPolicy } from "./replace-mfa.ts";
import { replaceWaf } from "./replace-waf.ts";
import { policyAnswer, policyParams, tlsPolicy } from "./schemas.ts";
import { wafChange } from "./waf-schemas.ts";

// Which of them it must be, the path says; the handler holds it to that.
const body = z.strictObject({
  ...geoChange.shape,
  ...tlsPolicy.partial().shape,
  ...wafChange.partial().shape,
  ...limitsChange.partial().shape,
  required: z.boolean().optional(),
  // Read as a time by the handler; what is parsed twice must be the same text both times.
  grace_until: z.string().max(40).nullable().optional(),
});
type Outcome = Promise<HandlerResult<z.input<typeof policyAnswer>>>;

export const putPolicy = defineRoute(
  "putPolicy",
  { caller: "member", params: policyParams, body, status: 200, answer: policyAnswer },
  (context, { params, body: given }): Outcome => {
    switch (params.policy) {
      case "tls":
        return replaceTls(context, given);
      case "geo":
        return replaceGeoPolicy(context, given);
      case "mfa":
        return replaceMfaPolicy(context, given);
      case "waf":
        return replaceWaf(context, given);
      case "limits":
        return replaceLimitsPolicy(context, given);
    }
  },
);

async function replaceTls(context: MemberContext, given: z.output<typeof body>): Outcome {
  const parsed = tlsPolicy.safeParse(given);
  if (!parsed.success) return refuse("invalid_request", { errors: fieldErrors(parsed.error) });
  await storeAndPublish(context, { name: "tls", document: parsed.data });
  return answer(parsed.data);
}

/** Stored first, then published to the edge, which sees it within a minute. Asking again publishes again. */
async function storeAndPublish(context: MemberContext, policy: PolicyDocument): Promise<void> {
  const { services, scope, person } = context;
  const stored = await writePolicy(services.database, context.write(), scope, { user: person.user, ...policy });
  context.caused([{ type: "policy_change", user_id: person.user, policy: policy.name }]);
  await publishPolicy(services, scope, stored);
}
