import { formatDollars } from "../../format/money.ts";

/** From here on a month is nearly over for a provider. */
const nearlySpent = 0.8;

/** How much of a month's budget is spent, in words and as a bar. Amounts in micro-dollars. */
export function BudgetBar(props: { readonly spent: number; readonly budget: number }) {
  const { spent, budget } = props;
  // A budget that was lowered below what is spent is spent.
  const share = budget === 0 ? 1 : Math.min(1, spent / budget);
  const colour = share >= 1 ? "bg-kumo-danger" : share >= nearlySpent ? "bg-kumo-warning" : "bg-(--chart-1)";
  return (
    <div className="grid gap-1.5">
      <p className="flex flex-wrap justify-between gap-x-4">
        <span>
          {formatDollars(spent)} of {formatDollars(budget)} spent this month
        </span>
        {share >= 1 && <span className="text-kumo-danger">Nothing more is asked until next month</span>}
      </p>
      <div aria-hidden="true" className="h-2 overflow-hidden rounded-full bg-kumo-fill">
        <div className={`h-full ${colour}`} style={{ width: `${100 * share}%` }} />
      </div>
    </div>
  );
}
