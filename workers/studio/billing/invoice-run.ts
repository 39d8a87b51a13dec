import { financialYear, invoiceAmounts, paymentDays } from "../../../core/billing/invoice.ts";
import type { Buyer } from "../../../core/billing/parties.ts";
import type { RequestId } from "../../../core/ids.ts";
import { markInvoiceMailed, unmailedInvoices } from "../../../store/control/billing/dunning.ts";
import { type DueInvoice, dueInvoices, issueInvoice } from "../../../store/control/billing/invoices.ts";
import { allTried } from "../all-tried.ts";
import { appendOrgChange } from "../lifecycle/record-change.ts";
import { logFailure } from "../log.ts";
import { invoiceMail } from "../mail/billing.ts";
import type { Services } from "../services.ts";
import { mailOwners } from "./mail-owners.ts";

const dayMs = 86_400_000;

/**
 * Issues what is due: each month that is over, once for each organisation that owes something for it. Killed anywhere,
 * the next run goes on: what has its invoice is due no more. Without a configured seller nothing is issued, and all of
 * it is due when there is one.
 * @throws the first failure, after all were tried: one that can't be issued keeps nobody else's waiting
 */
export async function issueDue(services: Services): Promise<void> {
  if (services.seller === null) return;
  const failures: unknown[] = [];
  // One after the other: each takes the row of the year's numbers.
  for (const due of await dueInvoices(services.database, services.now())) {
    await issue(services, due).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

async function issue(services: Services, { scope, month, name, currency, buyer, periods }: DueInvoice): Promise<void> {
  const { seller } = services;
  if (seller === null) return;
  const to: Buyer = buyer ?? { name, address: "", gstin: null, state: null };
  const amounts = invoiceAmounts(periods, month, currency, seller, to);
  if (amounts === null) return;
  const issuedAtMs = services.now();
  await issueInvoice(services.database, { requestId: services.makeId("request"), nowMs: issuedAtMs }, scope, {
    id: services.makeId("invoice"),
    month,
    year: financialYear(issuedAtMs),
    issuedAtMs,
    dueAtMs: issuedAtMs + paymentDays * dayMs,
    currency,
    seller,
    buyer: to,
    amounts,
  });
}

/**
 * Mails invoices to the owners and puts them on record. One counts as told once all of that was done: a second copy is
 * better than none. @throws the first failure, after all were tried
 */
export async function tellInvoices(services: Services, requestId: RequestId): Promise<void> {
  const untold = await unmailedInvoices(services.database);
  await allTried(
    untold.map(async (invoice) => {
      const { org } = invoice.scope;
      const change = { org, by: null, action: "invoice_issued", detail: invoice.id } as const;
      try {
        await mailOwners(invoice.owners, (to) => services.sendMail(invoiceMail(to, services.publicUrl, invoice)));
      } catch (error) {
        // From its due date on reminders are sent in its place; tried for ever, some hundreds would keep all newer ones waiting.
        if (services.now() < Date.parse(invoice.dueAt)) throw error;
        logFailure({ request_id: requestId, route: "billing", step: "mailInvoice" }, error);
      }
      await appendOrgChange(services, change, org, requestId);
      await markInvoiceMailed(services.database, invoice.scope, invoice.id);
    }),
  );
}
