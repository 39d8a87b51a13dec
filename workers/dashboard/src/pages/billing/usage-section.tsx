import { useQuery } from "@tanstack/react-query";
import { quotas } from "../../../../../core/tenancy/plan.ts";
import type { Billing } from "../../api/billing.ts";
import { getUsage, usageKey } from "../../api/lifecycle.ts";
import { useOrg } from "../../components/org-context.tsx";
import { QueryView } from "../../components/query-view.tsx";
import { Section } from "../../components/section.tsx";
import { UsageChart } from "./usage-chart.tsx";
import { formatQuota, quotaNames } from "./words.ts";

/** From here on a quota is nearly used. */
const nearlyUsed = 0.8;

/** How much of the plan is used now, and how much each day. */
export function UsageSection({ days }: { readonly days: Billing["days"] }) {
  const { org } = useOrg();
  const query = useQuery({ queryKey: usageKey(org.id), queryFn: ({ signal }) => getUsage(org.id, signal) });
  return (
    <Section title="Usage" lead="Of what the plan allows, at this moment and on each day (UTC)">
      <div className="grid gap-6">
        <QueryView query={query} label="Loading what is used" rows={4}>
          {query.data !== undefined && (
            <ul className="grid gap-4 sm:grid-cols-2">
              {quotas.map((quota) => (
                <QuotaBar
                  key={quota}
                  name={quotaNames[quota]}
                  used={query.data[quota].used}
                  limit={query.data[quota].limit}
                  format={(figure) => formatQuota(quota, figure)}
                />
              ))}
            </ul>
          )}
        </QueryView>
        <UsageChart days={days} />
      </div>
    </Section>
  );
}

function QuotaBar(props: {
  readonly name: string;
  readonly used: number;
  readonly limit: number;
  readonly format: (figure: number) => string;
}) {
  const { name, used, limit, format } = props;
  const share = limit === 0 ? 1 : Math.min(1, used / limit);
  const colour = share >= 1 ? "bg-kumo-danger" : share >= nearlyUsed ? "bg-kumo-warning" : "bg-(--chart-1)";
  return (
    <li className="grid gap-1.5">
      <p className="flex flex-wrap justify-between gap-x-4">
        <span className="font-medium">{name}</span>
        <span className={share >= 1 ? "text-kumo-danger" : "text-kumo-subtle"}>
          {format(used)} of {format(limit)}
          {share >= 1 && ", no more is added"}
        </span>
      </p>
      <div aria-hidden="true" className="h-2 overflow-hidden rounded-full bg-kumo-fill">
        <div className={`h-full ${colour}`} style={{ width: `${100 * share}%` }} />
      </div>
    </li>
  );
}
