import { z } from "@hono/zod-openapi";
import { writePolicy } from "../../../../store/control/policies.ts";
import { defineRoute } from "../../http/define-route.ts";
import { fieldErrors } from "../../http/field-errors.ts";
import { answer, refuse } from "../../http/result.ts";
import { publishPolicy } from "../organisations/publish-policy.ts";
import { geoPolicy, policyAnswer, policyParams, tlsPolicy } from "./schemas.ts";

const geoBody = geoPolicy.extend({ confirm_lockout: z.boolean().optional() });

/** Stored first, then published to the edge, which sees it within a minute. Asking again publishes again. */
export const putPolicy = defineRoute(
  "putPolicy",
  {
    caller: "member",
    params: policyParams,
    // Which of the two it must be, the path says; the handler holds it to that.
    body: z.strictObject({ ...geoBody.partial().shape, ...tlsPolicy.partial().shape }),
    status: 200,
    answer: policyAnswer,
  },
  async (context, { params, body }) => {
    const { services, membership, person, country } = context;
    const target = { org: membership.org, user: person.user };
    if (params.policy === "tls") {
      const parsed = tlsPolicy.safeParse(body);
      if (!parsed.success) return refuse("invalid_request", { errors: fieldErrors(parsed.error) });
      await writePolicy(services.database, context.write(), { ...target, name: "tls", document: parsed.data });
      await publishPolicy(services, membership.org);
      return answer(parsed.data);
    }
    const parsed = geoBody.safeParse(body);
    if (!parsed.success) return refuse("invalid_request", { errors: fieldErrors(parsed.error) });
    const { countries, confirm_lockout: confirmed } = parsed.data;
    if (!countries.includes(country) && confirmed !== true) {
      return refuse("conflict", {
        detail: "This would lock you out where you are now. Send confirm_lockout: true if that is meant.",
      });
    }
    await writePolicy(services.database, context.write(), { ...target, name: "geo", document: { countries } });
    await publishPolicy(services, membership.org);
    return answer({ countries });
  },
);
