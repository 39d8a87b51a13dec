import { Badge } from "@cloudflare/kumo/components/badge";
import { Button } from "@cloudflare/kumo/components/button";
import { CreditCardIcon } from "@phosphor-icons/react/CreditCard";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { type Billing, type OfferedPlan, openBillingPortal } from "../../api/billing.ts";
import { useOrg } from "../../components/org-context.tsx";
import { Row, Section } from "../../components/section.tsx";
import { FormFailure } from "../../components/states.tsx";
import { formatDollars } from "../../format/money.ts";
import { formatBytes, formatNumber } from "../../format/numbers.ts";
import { goAndPay } from "./go-and-pay.ts";
import { PlanDialog } from "./plan-dialog.tsx";
import { formatDate, paysStripe, planNames, priceText } from "./words.ts";

/** All plans, the one in force, and the way to another. */
export function PlanSection({ billing }: { readonly billing: Billing }) {
  const { org } = useOrg();
  const [wanted, setWanted] = useState<OfferedPlan | null>(null);
  const portal = useMutation({
    mutationFn: () => openBillingPortal(org.id, crypto.randomUUID()),
    onSuccess: goAndPay,
  });
  const { plan, requested, ends_at: endsAt } = billing;
  return (
    <Section
      title="Plan"
      lead={paysStripe(billing) ? "Paid by card at Stripe" : "Paid by invoice, each month for the days that were used"}
      actions={
        billing.provider === "stripe" ? (
          <Button icon={CreditCardIcon} loading={portal.isPending} onClick={() => portal.mutate()}>
            Cards and receipts at Stripe
          </Button>
        ) : undefined
      }
    >
      <FormFailure error={portal.error} />
      {requested !== null && (
        <p role="status" className="mb-4 rounded-lg bg-kumo-recessed p-3 ring ring-kumo-hairline">
          {planNames[requested.plan]} was asked for on {formatDate(Date.parse(requested.at))}. Whoever runs this
          Sentinel decides; until then {planNames[plan]} stays.
        </p>
      )}
      {endsAt !== null && (
        <p role="status" className="mb-4 rounded-lg bg-kumo-recessed p-3 ring ring-kumo-hairline">
          {planNames[plan]} was cancelled and ends on {formatDate(Date.parse(endsAt))}. Then the plan is Free.
        </p>
      )}
      <ul>
        {billing.plans.map((offered) => (
          <Row
            key={offered.plan}
            actions={
              offered.plan === plan ? undefined : (
                <Button
                  size="sm"
                  aria-label={`Change to ${planNames[offered.plan]}`}
                  onClick={() => setWanted(offered)}
                >
                  Change
                </Button>
              )
            }
          >
            <p className="flex flex-wrap items-center gap-2">
              <span className="font-medium">{planNames[offered.plan]}</span>
              {offered.plan === plan && <Badge variant="success">Your plan</Badge>}
              {offered.plan === requested?.plan && <Badge variant="info">Asked for</Badge>}
            </p>
            <p>{priceText(offered, billing.currency)}</p>
            <p className="text-sm text-kumo-subtle">
              {formatNumber(offered.devices)} devices, {formatNumber(offered.members)} members,{" "}
              {formatBytes(offered.storage_bytes)}, {formatNumber(offered.messages_a_day)} messages a day, at most{" "}
              {formatDollars(offered.llm_micros_a_month)} a month through language models
            </p>
          </Row>
        ))}
      </ul>
      {wanted !== null && <PlanDialog billing={billing} wanted={wanted} onClose={() => setWanted(null)} />}
    </Section>
  );
}
