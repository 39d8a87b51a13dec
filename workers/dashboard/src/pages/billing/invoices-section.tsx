import { Badge } from "@cloudflare/kumo/components/badge";
import { formatMoney } from "../../../../../core/billing/money.ts";
import type { Billing, Invoice } from "../../api/billing.ts";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { Section } from "../../components/section.tsx";
import { TextLink } from "../../components/text-link.tsx";
import { useNow } from "../../components/timestamp.tsx";
import { formatMonth } from "../../format/month.ts";
import { formatDate, formatShortDate } from "./words.ts";

/** Every invoice, the newest first, each with a page of its own. */
export function InvoicesSection({ invoices, offers }: Pick<Billing, "invoices" | "offers">) {
  const { root } = useOrg();
  const columns: readonly Column<Invoice>[] = [
    {
      header: "Number",
      cell: ({ id, number }) => <TextLink to={`${root}/billing/invoices/${encodeURIComponent(id)}`}>{number}</TextLink>,
    },
    { header: "For", cell: ({ month }) => formatMonth(month), className: "hidden sm:table-cell" },
    {
      header: "Issued",
      cell: ({ issued_at }) => formatDate(Date.parse(issued_at)),
      className: "hidden md:table-cell",
    },
    { header: "Total", cell: ({ total_minor, currency }) => formatMoney(total_minor, currency) },
    { header: "Paid", cell: (invoice) => <PaidBadge invoice={invoice} /> },
  ];
  return (
    <Section
      title="Invoices"
      lead={
        offers === "stripe"
          ? "A month that is over, by the days of each plan. What is paid at Stripe is not in them."
          : "A month that is over, by the days of each plan"
      }
    >
      {invoices.length === 0 ? (
        <p className="text-kumo-subtle">No invoice yet.</p>
      ) : (
        <DataTable label="Invoices" columns={columns} rows={invoices} rowKey={({ id }) => id} />
      )}
    </Section>
  );
}

/** Whether it is paid, or until when it may be. A telephone has no room for a whole date beside the sum. */
export function PaidBadge({ invoice }: { readonly invoice: Invoice }) {
  const now = useNow();
  if (invoice.paid_at !== null) return <Badge variant="success">Paid</Badge>;
  const dueMs = Date.parse(invoice.due_at);
  if (dueMs > now)
    return (
      <Badge variant="info">
        Due <span className="sm:hidden">{formatShortDate(dueMs)}</span>
        <span className="max-sm:hidden">{formatDate(dueMs)}</span>
      </Badge>
    );
  return (
    <Badge variant="error">
      Overdue<span className="max-sm:hidden"> since {formatDate(dueMs)}</span>
    </Badge>
  );
}
