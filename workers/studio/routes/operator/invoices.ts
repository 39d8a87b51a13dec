import { z } from "@hono/zod-openapi";
import { plans } from "../../../../core/tenancy/plan.ts";
import { listUnpaid, markPaid } from "../../../../store/control/billing/invoices.ts";
import { listRequestedPlans } from "../../../../store/control/billing/page.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, idText, instant } from "../../http/schemas.ts";
import { recordOrgChange } from "../../lifecycle/record-change.ts";
import { invoiceAnswer, invoiceView } from "../billing/schemas.ts";

export const operatorListInvoices = defineRoute(
  "operatorListInvoices",
  {
    caller: "operator",
    status: 200,
    answer: z.object({
      unpaid: z.array(invoiceAnswer.extend({ org_id: idText })),
      requested: z.array(z.object({ org_id: idText, slug: z.string(), plan: z.enum(plans), at: instant })),
    }),
  },
  async ({ services, platform }) => {
    const [unpaid, requested] = await Promise.all([
      listUnpaid(services.database, platform),
      listRequestedPlans(services.database, platform),
    ]);
    return answer({
      unpaid: unpaid.map((invoice) => ({ ...invoiceView(invoice), org_id: invoice.org })),
      requested: requested.map(({ org, slug, plan, at }) => ({ org_id: org, slug, plan, at })),
    });
  },
);

/** Said again, it stays as it was said first. */
export const operatorMarkPaid = defineRoute(
  "operatorMarkPaid",
  {
    caller: "operator",
    body: z.strictObject({
      invoice: idOf("invoice"),
      /** The bank's, of the payment. */
      reference: z.string().regex(/^[\x21-\x7e]{1,64}$/, "must be 1 to 64 visible characters"),
    }),
    status: 200,
    answer: invoiceAnswer,
  },
  async (context, { body: { invoice, reference } }) => {
    const found = await markPaid(context.services.database, context.write(), context.platform, invoice, reference);
    if (found === null) return refuse("not_found");
    if (found.changed) {
      const change = { org: found.scope.org, by: null, action: "invoice_paid", detail: invoice } as const;
      await recordOrgChange(context, change, found.log);
    }
    return answer(invoiceView(found.invoice));
  },
);
