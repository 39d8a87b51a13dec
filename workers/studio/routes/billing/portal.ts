import { z } from "@hono/zod-openapi";
import { readSubscription } from "../../../../store/control/billing/subscription.ts";
import { askBilling, billingRefusal } from "../../http/ask-billing.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";

/** Not found where nobody takes payments, or nobody has paid yet. */
export const openBillingPortal = defineRoute(
  "openBillingPortal",
  { caller: "member", status: 200, answer: z.object({ url: z.string() }) },
  async (context) => {
    const { services, scope } = context;
    const found = await readSubscription(services.database, scope);
    if (found === null || found.customer === null) return refuse("not_found");
    const request = {
      account: { customer: found.customer, subscription: found.subscription },
      returnUrl: new URL(`/o/${found.slug}/billing`, services.publicUrl).href,
    };
    const portal = await askBilling(context, (billing, call) => billing.portal(call, request));
    return portal.ok ? answer(portal.value) : billingRefusal(portal);
  },
);
