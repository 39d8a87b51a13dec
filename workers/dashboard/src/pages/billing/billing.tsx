import { useQuery } from "@tanstack/react-query";
import { billingKey, getBilling } from "../../api/billing.ts";
import { useOrg } from "../../components/org-context.tsx";
import { PageHeader } from "../../components/page-header.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { CheckoutNotice, useCheckoutOutcome } from "./checkout-notice.tsx";
import { DetailsForm } from "./details-form.tsx";
import { InvoicesSection } from "./invoices-section.tsx";
import { PlanSection } from "./plan-section.tsx";
import { StandingSection } from "./standing-section.tsx";
import { UsageSection } from "./usage-section.tsx";
import { paysStripe } from "./words.ts";

/** While a payment is awaited, in milliseconds: under the ten requests a minute that this route takes. */
const watchMs = 8_000;

/** What the organisation has, what it costs and what is owed. An owner's. */
export function BillingPage() {
  const { org } = useOrg();
  const outcome = useCheckoutOutcome();
  const query = useQuery({
    queryKey: billingKey(org.id),
    queryFn: ({ signal }) => getBilling(org.id, signal),
    refetchInterval: ({ state }) =>
      outcome === "paid" &&
      state.data?.offers !== "invoice" &&
      !(state.data !== undefined && paysStripe(state.data)) &&
      watchMs,
  });
  const billing = query.data;
  return (
    <>
      <PageHeader title="Billing" lead="Plan, usage and invoices. Only owners see this page." />
      <QueryView query={query} label="Loading billing" rows={6}>
        {billing !== undefined && (
          <div className="grid gap-4">
            {/* An address says it, which anybody can write: where nobody takes cards there is nothing to wait for. */}
            {outcome !== null && billing.offers === "stripe" && <CheckoutNotice outcome={outcome} billing={billing} />}
            <StandingSection billing={billing} />
            <PlanSection billing={billing} />
            <UsageSection days={billing.days} />
            <InvoicesSection invoices={billing.invoices} offers={billing.offers} />
            <DetailsForm billing={billing} />
          </div>
        )}
      </QueryView>
    </>
  );
}
