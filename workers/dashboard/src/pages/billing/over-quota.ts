import { type Quota, quotas } from "../../../../../core/tenancy/plan.ts";
import type { OfferedPlan } from "../../api/billing.ts";
import type { Usage } from "../../api/lifecycle.ts";

export interface OverQuota {
  readonly quota: Quota;
  readonly used: number;
  readonly limit: number;
}

/** What an organisation has more of than a plan allows: it stays, and no more is added. */
export function overQuotas(usage: Usage, plan: OfferedPlan): OverQuota[] {
  return quotas
    .map((quota) => ({ quota, used: usage[quota].used, limit: plan[quota] }))
    .filter(({ used, limit }) => used > limit);
}
