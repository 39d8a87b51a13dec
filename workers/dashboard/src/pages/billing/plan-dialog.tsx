import { useKumoToastManager } from "@cloudflare/kumo/components/toast";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  type Billing,
  billingKey,
  changePlan,
  type OfferedPlan,
  openBillingPortal,
  type PlanOutcome,
} from "../../api/billing.ts";
import { getUsage, usageKey } from "../../api/lifecycle.ts";
import { FormDialog } from "../../components/form-dialog.tsx";
import { useOrg } from "../../components/org-context.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { goAndPay } from "./go-and-pay.ts";
import { overQuotas } from "./over-quota.ts";
import { formatQuota, paysStripe, planNames, priceText, quotaNames } from "./words.ts";

/** Says what a change of plan means before it is made. */
export function PlanDialog(props: {
  readonly billing: Billing;
  readonly wanted: OfferedPlan;
  readonly onClose: () => void;
}) {
  const { billing, wanted, onClose } = props;
  const { org } = useOrg();
  const client = useQueryClient();
  const toasts = useKumoToastManager();
  const name = planNames[wanted.plan];
  const way = wayOf(billing, wanted);
  const work = useMutation({
    mutationFn: async (key: string): Promise<PlanOutcome> =>
      way === "end"
        ? { kind: "redirect", url: await openBillingPortal(org.id, key) }
        : await changePlan(org.id, wanted.plan, key),
    onSuccess: async (outcome: PlanOutcome) => {
      if (outcome.kind === "redirect" && outcome.url !== null) return goAndPay(outcome.url);
      onClose();
      toasts.add({ title: outcome.kind === "requested" ? `${name} is asked for` : `The plan is ${name}` });
      await Promise.all([
        client.invalidateQueries({ queryKey: billingKey(org.id) }),
        client.invalidateQueries({ queryKey: usageKey(org.id) }),
      ]);
    },
  });
  return (
    <FormDialog
      open
      title={`Change to ${name}?`}
      description={priceText(wanted, billing.currency)}
      submit={submits[way]}
      pending={work.isPending}
      error={work.error}
      onSubmit={() => work.mutate(crypto.randomUUID())}
      onClose={onClose}
    >
      <p>{meanings[way]}</p>
      {costsLess(billing, wanted) && <Over wanted={wanted} />}
    </FormDialog>
  );
}

type Way = "lower" | "ask" | "pay" | "repay" | "end";

function wayOf(billing: Billing, wanted: OfferedPlan): Way {
  if (paysStripe(billing)) return wanted.plan === "free" ? "end" : "repay";
  if (costsLess(billing, wanted)) return "lower";
  return billing.offers === "stripe" ? "pay" : "ask";
}

function costsLess({ plans, plan }: Billing, wanted: OfferedPlan): boolean {
  return wanted.price_minor < (plans.find((each) => each.plan === plan)?.price_minor ?? 0);
}

const submits: Readonly<Record<Way, string>> = {
  lower: "Change plan",
  ask: "Ask for it",
  pay: "Pay with Stripe",
  repay: "Change at Stripe",
  end: "End it at Stripe",
};
const meanings: Readonly<Record<Way, string>> = {
  lower: "It holds at once. This day is still charged at the dearer plan; from tomorrow on this one counts.",
  ask: "Whoever runs this Sentinel is asked. The plan changes when they agree; it is then invoiced by the day.",
  pay: "You go to Stripe’s page and come back. Your card is shown to Stripe alone. The plan changes when it is paid.",
  repay: "The subscription at Stripe is changed, and the difference is charged at once.",
  end: "What is paid at Stripe is ended there, else it would go on charging. The plan follows by itself.",
};

/** What is over the smaller plan. Nothing of it is deleted. */
function Over({ wanted }: { readonly wanted: OfferedPlan }) {
  const { org } = useOrg();
  const query = useQuery({ queryKey: usageKey(org.id), queryFn: ({ signal }) => getUsage(org.id, signal) });
  const over = query.data === undefined ? [] : overQuotas(query.data, wanted);
  return (
    <QueryView query={query} label="Looking up what is over it" rows={1}>
      {over.length === 0 ? (
        <p>All that you have fits. Nothing is deleted.</p>
      ) : (
        <div className="rounded-lg bg-kumo-warning-tint p-3 ring ring-kumo-warning/40">
          <p className="font-medium">More than it allows</p>
          <ul className="my-1 list-disc pl-5">
            {over.map(({ quota, used, limit }) => (
              <li key={quota}>
                {quotaNames[quota]}: {formatQuota(quota, used)}, and it allows {formatQuota(quota, limit)}
              </li>
            ))}
          </ul>
          <p>Nothing is deleted. It stays and works; no more is added until it fits.</p>
        </div>
      )}
    </QueryView>
  );
}
