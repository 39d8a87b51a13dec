import { putBuyer } from "../../../../store/control/billing/subscription.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { nothing } from "../../http/schemas.ts";
import { recordOrgChange } from "../../lifecycle/record-change.ts";
import { details } from "./schemas.ts";

/** Invoices that were issued keep what they say. */
export const putBillingDetails = defineRoute(
  "putBillingDetails",
  { caller: "member", body: details, status: 204, answer: nothing },
  async (context, { body: { currency, ...buyer } }) => {
    const { services, scope, person } = context;
    await putBuyer(services.database, context.write(), scope, { buyer, currency });
    await recordOrgChange(context, { org: scope.org, by: person.user, action: "billing_details_changed" });
    return answer(null);
  },
);
