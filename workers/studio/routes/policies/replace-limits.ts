import type { z } from "@hono/zod-openapi";
import { issuesOfLimits } from "../../../../core/tenancy/limits-policy.ts";
import { replaceLimits } from "../../../../store/control/limits-policies.ts";
import { spreadGeoPolicy } from "../../geo/tell-hub.ts";
import { fieldErrors } from "../../http/field-errors.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { type limitsAnswer, limitsChange, limitsOfChange, limitsView } from "./limits-schemas.ts";

/**
 * Replaces the organisation's own limits, if they still are what the decision was made on. The edge sees them within a
 * minute; the hub has heard of them when this returns, or hears within the minute after it is back.
 */
export async function replaceLimitsPolicy(
  context: MemberContext,
  given: Readonly<Record<string, unknown>>,
): Promise<HandlerResult<z.input<typeof limitsAnswer>>> {
  const { services, scope, person } = context;
  const parsed = limitsChange.safeParse(given);
  if (!parsed.success) return refuse("invalid_request", { errors: fieldErrors(parsed.error) });
  const limits = limitsOfChange(parsed.data);
  const issues = issuesOfLimits(limits);
  if (issues.length > 0) return refuse("invalid_request", { errors: issues });
  const change = { user: person.user, version: parsed.data.version, limits };
  const stored = await replaceLimits(services.database, context.write(), scope, change);
  if (stored === null)
    return refuse("conflict", { detail: "Somebody changed the policy meanwhile: look at it and try again." });
  context.caused([{ type: "policy_change", user_id: person.user, policy: "limits" }]);
  const makeCall = () => context.asUser("durable-objects.hub-control");
  const told = await spreadGeoPolicy(services, scope, context.requestId, makeCall, stored);
  return answer(limitsView(told.policy.limits, told.version));
}
