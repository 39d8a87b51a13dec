import { apiPath, needs, operatorRoute, orgPath, type RouteSpec, route } from "./route.ts";

const billing = `${orgPath}/billing`;
const manages = needs("billing:manage");

/** Plans, what was used and what is owed: an owner's. */
export const billingRoutes = {
  getBilling: route({
    method: "GET",
    path: billing,
    policy: manages,
    rateClass: "billing",
    summary: "The plan, what was used each day, invoices and what is owed",
  }),
  putBillingDetails: route({
    method: "PUT",
    path: `${billing}/details`,
    policy: manages,
    rateClass: "billing",
    summary: "To whom invoices go from now on",
  }),
  changePlan: route({
    method: "POST",
    path: `${billing}/plan`,
    policy: manages,
    rateClass: "billing",
    stepUp: true,
    summary: "Go down to a plan at once, or pay or ask for one that costs more",
  }),
  openBillingPortal: route({
    method: "POST",
    path: `${billing}/portal`,
    policy: manages,
    rateClass: "billing",
    stepUp: true,
    summary: "The payment provider's own page of what was paid",
  }),
  operatorListInvoices: route({
    method: "GET",
    path: `${apiPath}/operator/invoices`,
    policy: operatorRoute,
    summary: "Invoices that are not paid, and plans that owners ask for",
  }),
  operatorMarkPaid: route({
    method: "POST",
    path: `${apiPath}/operator/invoices/paid`,
    policy: operatorRoute,
    summary: "Put on record that an invoice was paid to the bank",
  }),
} as const satisfies Record<string, RouteSpec>;
