import { Button } from "@cloudflare/kumo/components/button";
import { useState } from "react";
import { useSearchParams } from "react-router";
import type { Billing } from "../../api/billing.ts";
import { paysStripe, planNames } from "./words.ts";

/** With which outcome the browser came back; anybody can write it, so nothing is believed of it but the words. */
export type CheckoutOutcome = "paid" | "cancelled";

export function useCheckoutOutcome(): CheckoutOutcome | null {
  const [search] = useSearchParams();
  const said = search.get("checkout");
  return said === "paid" || said === "cancelled" ? said : null;
}

/** What became of going away to pay. That it is paid is said by the plan alone. */
export function CheckoutNotice(props: { readonly outcome: CheckoutOutcome; readonly billing: Billing }) {
  const { outcome, billing } = props;
  const [, setSearch] = useSearchParams();
  const [before] = useState(billing.plan);
  const close = (): void => setSearch({}, { replace: true });
  const arrived = paysStripe(billing);
  return (
    <div
      role="status"
      className="flex flex-wrap items-center gap-3 rounded-xl bg-kumo-base p-4 ring ring-kumo-hairline"
    >
      <p className="min-w-0 flex-1 basis-64">
        {outcome === "cancelled" && `Nothing was paid. The plan stays ${planNames[before]}.`}
        {outcome === "paid" && arrived && `Paid at Stripe: the plan is ${planNames[billing.plan]}.`}
        {outcome === "paid" &&
          !arrived &&
          "Waiting for Stripe to say that it is paid. The plan then changes by itself."}
      </p>
      <Button size="sm" onClick={close}>
        Close
      </Button>
    </div>
  );
}
