import type { Job } from "../../../core/mesh/workloads.ts";
import type { ExportsRpc } from "../../../core/rpc/exports.ts";
import { type Role, roles } from "../../../core/tenancy/roles.ts";
import type { Actor } from "../../../store/tenant/tenant-scope.ts";

/** Who may call a method: these roles, or this job. */
interface MethodRight {
  readonly roles: readonly Role[];
  readonly jobs: readonly Job[];
}

const members: MethodRight = { roles, jobs: [] };
const clock: MethodRight = { roles: [], jobs: ["run_exports"] };

/**
 * The second of three locks: studio has decided before, by source, and row-level security decides after. What anybody
 * may export is what they may read. Every call is good for once.
 */
export const methodRights: Readonly<Record<keyof ExportsRpc, MethodRight>> = {
  prepare: members,
  open: members,
  step: clock,
  assemble: clock,
  deliver: clock,
  discard: clock,
  erase: clock,
};

/** True when the table lets this actor call this method. */
export function mayCall(method: keyof ExportsRpc, actor: Actor): boolean {
  const right = methodRights[method];
  return actor.kind === "user" ? right.roles.includes(actor.role) : right.jobs.includes(actor.job);
}
