import { z } from "@hono/zod-openapi";
import { planPrices } from "../../../../core/billing/prices.ts";
import { type Plan, plans } from "../../../../core/tenancy/plan.ts";
import { applyProviderState } from "../../../../store/control/billing/payment-events.ts";
import { paymentMoment } from "../../../../store/control/billing/payment-moment.ts";
import {
  keepCustomer,
  lowerPlan,
  readSubscription,
  requestPlan,
  type Subscription,
} from "../../../../store/control/billing/subscription.ts";
import { askBilling, billingRefusal } from "../../http/ask-billing.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import { recordOrgChange } from "../../lifecycle/record-change.ts";
import { tellStanding } from "../../lifecycle/tell-standing.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";

const outcome = z.object({
  /** `requested`: the operator was asked. `redirect`: go to `url` and pay; the plan changes when that is done. */
  kind: z.enum(["unchanged", "changed", "requested", "redirect"]),
  plan: z.enum(plans),
  url: z.string().nullable(),
});
type Outcome = HandlerResult<z.input<typeof outcome>>;

/**
 * Down is an owner's word alone: nothing is deleted, and what is over the new quotas stays. Up takes whoever is paid
 * for it, the provider or the operator who gives credit.
 */
export const changePlan = defineRoute(
  "changePlan",
  { caller: "member", body: z.strictObject({ plan: z.enum(plans) }), status: 200, answer: outcome },
  async (context, { body: { plan } }): Promise<Outcome> => {
    const found = await readSubscription(context.services.database, context.scope);
    if (found === null) return refuse("not_found");
    if (found.plan === plan) return answer({ kind: "unchanged", plan, url: null });
    if (plan === "free" || (found.subscription === null && costsLess(plan, found.plan)))
      return lower(context, found, plan);
    return checkOut(context, found, plan);
  },
);

const costsLess = (one: Plan, other: Plan): boolean => planPrices[one].INR < planPrices[other].INR;

async function lower(context: MemberContext, found: Subscription, plan: Plan): Promise<Outcome> {
  const { services, scope } = context;
  if (found.subscription !== null)
    return refuse("conflict", { detail: "End the subscription at the payment provider: the plan follows." });
  const dearer = plans.filter((other) => costsLess(plan, other));
  if (!(await lowerPlan(services.database, context.write(), scope, plan, dearer))) return refuse("conflict");
  return changed(context, plan);
}

async function checkOut(context: MemberContext, found: Subscription, plan: Exclude<Plan, "free">): Promise<Outcome> {
  const { services, scope, person, requestId } = context;
  const request = {
    plan,
    currency: found.currency,
    email: person.email,
    account: { customer: found.customer, subscription: found.subscription },
    // A request that is sent again with its Idempotency-Key does not get this far twice.
    idempotencyKey: requestId,
    askedAtMs: await paymentMoment(services.database),
    returnUrl: new URL(`/o/${found.slug}/billing`, services.publicUrl).href,
  };
  const asked = await askBilling(context, (billing, call) => billing.checkout(call, request));
  if (!asked.ok) return billingRefusal(asked);
  switch (asked.value.kind) {
    case "redirect":
      // Before the owner can pay there.
      await keepCustomer(services.database, context.write(), scope, asked.value.customer);
      return answer({ kind: "redirect", plan, url: asked.value.url });
    case "requested":
      await requestPlan(services.database, context.write(), scope, plan);
      await recordOrgChange(context, { org: scope.org, by: person.user, action: "plan_requested", detail: plan });
      return answer({ kind: "requested", plan, url: null });
    case "changed": {
      const { state } = asked.value;
      if (state.org !== scope.org) throw new Error("a provider answered with the state of another organisation");
      await applyProviderState(services.database, context.write(), scope, "stripe", state);
      return changed(context, state.plan);
    }
  }
}

/** On record, and told to hub and edge. */
async function changed(context: MemberContext, plan: Plan): Promise<Outcome> {
  const { services, scope, person, requestId } = context;
  await recordOrgChange(context, { org: scope.org, by: person.user, action: "plan_changed", detail: plan });
  await tellStanding(services, scope, requestId);
  return answer({ kind: "changed", plan, url: null });
}
