import { readBillingPage } from "../../../../store/control/billing/page.ts";
import { askBilling, billingRefusal } from "../../http/ask-billing.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { billingAnswer, dayView, invoiceView, plansView, subscriptionView } from "./schemas.ts";

/** Days that are shown: a quarter of a year, so that a month and those before it can be compared. */
const daysShown = 92;

export const getBilling = defineRoute(
  "getBilling",
  { caller: "member", status: 200, answer: billingAnswer },
  async (context) => {
    const { services, scope } = context;
    const [found, offers] = await Promise.all([
      readBillingPage(services.database, scope, daysShown),
      askBilling(context, (billing, call) => billing.provider(call)),
    ]);
    if (found === null) return refuse("not_found");
    if (!offers.ok) return billingRefusal(offers);
    return answer({
      ...subscriptionView(found.subscription, services.now()),
      offers: offers.value,
      plans: plansView(found.subscription.currency, services.limitScale),
      days: found.days.map(dayView),
      invoices: found.invoices.map(invoiceView),
    });
  },
);
