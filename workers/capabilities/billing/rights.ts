import type { Job } from "../../../core/mesh/workloads.ts";
import type { BillingRpc } from "../../../core/rpc/billing.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { Actor } from "../../../store/tenant/tenant-scope.ts";

/** Methods for one organisation; `read` is of none, and stands apart (billing.ts). */
export type TenantMethod = Exclude<keyof BillingRpc, "read">;

/** Who may call a method: these roles, or this job. */
interface MethodRight {
  readonly roles: readonly Role[];
  readonly jobs: readonly Job[];
}

const owners: MethodRight = { roles: ["owner"], jobs: [] };
const clock: MethodRight = { roles: [], jobs: ["tend_billing"] };

/** The second lock: studio has decided before. A table of its own, so that a mistake in one is not a mistake in both. */
export const methodRights: Readonly<Record<TenantMethod, MethodRight>> = {
  measure: clock,
  provider: owners,
  checkout: owners,
  portal: owners,
  end: clock,
};

/** True when the table lets this actor call this method. */
export function mayCall(method: TenantMethod, actor: Actor): boolean {
  const right = methodRights[method];
  return actor.kind === "user" ? right.roles.includes(actor.role) : right.jobs.includes(actor.job);
}
