import { Button } from "@cloudflare/kumo/components/button";
import { PrinterIcon } from "@phosphor-icons/react/Printer";
import { useQuery } from "@tanstack/react-query";
import { createPortal } from "react-dom";
import { useParams } from "react-router";
import { billingKey, getBilling } from "../../api/billing.ts";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { NotFoundPage } from "../../components/route-error.tsx";
import { TextLink } from "../../components/text-link.tsx";
import { formatMonth } from "../../format/month.ts";
import { InvoiceSheet } from "./invoice-sheet.tsx";
import { PaidBadge } from "./invoices-section.tsx";

/** One invoice, to be read and printed. */
export function InvoicePage() {
  const { org, root } = useOrg();
  const { invoice: id } = useParams();
  const query = useQuery({ queryKey: billingKey(org.id), queryFn: ({ signal }) => getBilling(org.id, signal) });
  const invoice = query.data?.invoices.find((each) => each.id === id);
  if (query.data !== undefined && invoice === undefined) return <NotFoundPage />;
  return (
    <>
      <PageHeader
        title={invoice === undefined ? "Invoice" : `Invoice ${invoice.number}`}
        before={<TextLink to={`${root}/billing`}>Billing</TextLink>}
        lead={invoice === undefined ? undefined : formatMonth(invoice.month)}
        actions={
          invoice === undefined ? undefined : (
            <>
              <PaidBadge invoice={invoice} />
              <Button icon={PrinterIcon} onClick={() => window.print()}>
                Print
              </Button>
            </>
          )
        }
      />
      <QueryView query={query} label="Loading the invoice" rows={6}>
        {invoice !== undefined && (
          <>
            <div className="rounded-xl bg-kumo-base p-4 ring ring-kumo-hairline sm:p-8">
              <InvoiceSheet invoice={invoice} />
            </div>
            {/* What is printed: beside the page, without its menus, black on white whatever the theme is. */}
            {createPortal(
              <div data-print="" className="hidden print:block">
                <InvoiceSheet invoice={invoice} />
              </div>,
              document.body,
            )}
          </>
        )}
      </QueryView>
    </>
  );
}
