import type { ReactNode } from "react";
import { formatMoney } from "../../../../../core/billing/money.ts";
import type { Invoice, Party } from "../../api/billing.ts";
import { formatMonth } from "../../format/month.ts";
import { stateText } from "./states.ts";
import { exportText, formatDate, placeText, planNames, serviceText } from "./words.ts";

/** An invoice as it is read and printed: what CGST Rules 2017, rule 46 asks of it. */
export function InvoiceSheet({ invoice }: { readonly invoice: Invoice }) {
  const { seller, buyer } = invoice;
  const exported = exportText(invoice);
  return (
    <article aria-label={`Invoice ${invoice.number}`} className="grid gap-6 text-sm">
      <header className="flex flex-wrap items-start justify-between gap-x-8 gap-y-4">
        <div className="min-w-0">
          <p className="text-2xl font-semibold tracking-tight">{seller.gstin === null ? "Invoice" : "Tax invoice"}</p>
          <p className="tabular">{invoice.number}</p>
        </div>
        <dl className="grid grid-cols-[auto_auto] gap-x-6 gap-y-1 tabular">
          <Term name="Issued">{formatDate(Date.parse(invoice.issued_at))}</Term>
          <Term name="To be paid by">{formatDate(Date.parse(invoice.due_at))}</Term>
          <Term name="For">{formatMonth(invoice.month)}</Term>
          {invoice.paid_at !== null && <Term name="Paid">{formatDate(Date.parse(invoice.paid_at))}</Term>}
        </dl>
      </header>
      <div className="grid gap-6 sm:grid-cols-2 print:grid-cols-2">
        <PartyBlock title="From" party={seller} place={`State: ${stateText(seller.state)}`} />
        <PartyBlock title="To" party={buyer} place={placeText(invoice)} />
      </div>
      <Lines invoice={invoice} />
      <Totals invoice={invoice} />
      {exported !== null && <p>{exported}</p>}
      {seller.gstin !== null && <p>Reverse charge: no.</p>}
      <section aria-label="Where to pay to" className="break-inside-avoid">
        <h2 className="font-semibold">Where to pay to</h2>
        <p className="break-words whitespace-pre-line">{seller.bank}</p>
        <p className="text-kumo-subtle">Say {invoice.number} with the payment.</p>
      </section>
    </article>
  );
}

function Term({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <>
      <dt className="text-kumo-subtle">{name}</dt>
      <dd className="text-right">{children}</dd>
    </>
  );
}

function PartyBlock({
  title,
  party,
  place,
}: {
  readonly title: string;
  readonly party: Party;
  readonly place: string;
}) {
  return (
    <section aria-label={title} className="min-w-0">
      <h2 className="text-kumo-subtle">{title}</h2>
      <p className="font-semibold break-words">{party.name}</p>
      <p className="break-words whitespace-pre-line">{party.address}</p>
      {party.gstin !== null && <p className="tabular">GSTIN {party.gstin}</p>}
      <p>{place}</p>
    </section>
  );
}

function Lines({ invoice: { lines, currency } }: { readonly invoice: Invoice }) {
  return (
    <div className="overflow-x-auto">
      <table className="w-full tabular">
        <caption className="pb-2 text-left">{serviceText}</caption>
        <thead>
          <tr className="border-b border-current text-left">
            <th className="py-2 pr-4 font-semibold">Plan</th>
            <th className="py-2 pr-4 text-right font-semibold">Days</th>
            <th className="py-2 pr-4 text-right font-semibold">A month</th>
            <th className="py-2 text-right font-semibold">Amount</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ plan, days, of_days, month_minor, amount_minor }) => (
            <tr key={plan} className="border-b border-kumo-line">
              <td className="py-2 pr-4">{planNames[plan]}</td>
              <td className="py-2 pr-4 text-right whitespace-nowrap">
                {days} of {of_days}
              </td>
              <td className="py-2 pr-4 text-right whitespace-nowrap">{formatMoney(month_minor, currency)}</td>
              <td className="py-2 text-right whitespace-nowrap">{formatMoney(amount_minor, currency)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Totals({ invoice }: { readonly invoice: Invoice }) {
  const taxes: readonly (readonly [string, number])[] = [
    ["CGST 9%", invoice.cgst_minor],
    ["SGST 9%", invoice.sgst_minor],
    ["IGST 18%", invoice.igst_minor],
  ];
  return (
    <dl className="ml-auto grid w-full max-w-xs break-inside-avoid grid-cols-[1fr_auto] gap-y-1 tabular">
      <Term name="Without tax">{formatMoney(invoice.net_minor, invoice.currency)}</Term>
      {taxes
        .filter(([, amount]) => amount > 0)
        .map(([name, amount]) => (
          <Term key={name} name={name}>
            {formatMoney(amount, invoice.currency)}
          </Term>
        ))}
      <dt className="border-t border-current pt-1 text-base font-semibold">Total</dt>
      <dd className="border-t border-current pt-1 text-right text-base font-semibold">
        {formatMoney(invoice.total_minor, invoice.currency)}
      </dd>
    </dl>
  );
}
