import { limitsOf, type Quota } from "../../../core/tenancy/plan.ts";
import type { DoorScope } from "../../../store/control/org-scope.ts";
import { readMemberUse } from "../../../store/control/quotas.ts";
import { type AnswerHeaders, type Refusal, refuse } from "../http/result.ts";
import type { Services } from "../services.ts";

/** The refusal of one thing too many: which quota, and what it is. */
export function quotaExceeded(quota: Quota, limit: number, headers?: AnswerHeaders): Refusal {
  const extra = headers === undefined ? {} : { headers };
  return refuse("quota_exceeded", { extensions: { quota, limit }, ...extra });
}

/** {@link quotaExceeded} for members of an organisation; or none may be added, whatever its plan. */
export async function membersFull(services: Services, door: DoorScope): Promise<Refusal> {
  const use = await readMemberUse(services.database, door);
  if (use === null) return refuse("not_found");
  if (use.restricted) return refuse("payment_overdue");
  return quotaExceeded("members", limitsOf(use.plan, services.limitScale).members);
}
