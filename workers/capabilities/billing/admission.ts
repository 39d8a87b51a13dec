import type { PaymentProvider } from "../../../core/billing/provider.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import {
  admitTenantCall,
  type Handler as HandlerOf,
  type TenantCall,
  type TenantCallDependencies,
} from "../tenant-call.ts";
import { mayCall, methodRights, type TenantMethod } from "./rights.ts";

export interface BillingDependencies extends TenantCallDependencies {
  /** Whoever takes payments here. */
  readonly payments: PaymentProvider;
}

/** What an admitted call may use. The organisation is the call's own. */
export interface CallContext
  extends Pick<TenantCall, "scope" | "database">,
    Pick<BillingDependencies, "payments" | "now"> {}

export type Handler<Method> = HandlerOf<Method, CallContext>;

const audience = "capabilities.billing";

/**
 * Verifies a call for one method, before any side effect.
 * @returns null when the call is genuine and its role may not do this
 * @throws CallRefused when it is not genuine, was used before, is not for this entrypoint, or a job that is not this
 *   method's
 */
export async function admit(
  dependencies: BillingDependencies,
  method: TenantMethod,
  call: SignedCall,
): Promise<CallContext | null> {
  const { payments, now } = dependencies;
  const { roles, jobs } = methodRights[method];
  const expect = { audience, users: roles.length > 0, jobs, once: true } as const;
  const admitted = await admitTenantCall(dependencies, expect, (actor) => mayCall(method, actor), call);
  return admitted === null ? null : { scope: admitted.scope, database: admitted.database, payments, now };
}

/** Verifies a call of the one job that is of no organisation. @throws CallRefused, also for one that names any */
export async function admitDelivery({ keys, now }: BillingDependencies, call: SignedCall): Promise<void> {
  const expect = { audience, users: false, jobs: ["take_payments"], once: true } as const;
  const verified = await verifyCall(call, expect, keys, now());
  if (verified.org !== null) throw new CallRefused("wrong_org");
}
