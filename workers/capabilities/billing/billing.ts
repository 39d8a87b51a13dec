import { PaymentsUnavailable } from "../../../core/billing/provider.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { BillingResult, BillingRpc } from "../../../core/rpc/billing.ts";
import { readMeasure } from "../../../store/tenant/usage.ts";
import { admit, admitDelivery, type BillingDependencies, type CallContext, type Handler } from "./admission.ts";
import { ok, refused } from "./result.ts";
import type { TenantMethod } from "./rights.ts";

/** What each method does once its call is admitted. None runs otherwise. */
const handlers: { readonly [Method in TenantMethod]: Handler<BillingRpc[Method]> } = {
  measure: async ({ database }) => ok(await readMeasure(database)),
  provider: async ({ payments }) => ok(payments.name),
  checkout: async ({ payments, scope }, request) => ok(await payments.checkout({ ...request, org: scope.org })),
  portal: async ({ payments, scope }, request) => {
    const portal = await payments.portal({ ...request, org: scope.org });
    return portal === null ? refused("not_found") : ok(portal);
  },
  end: async ({ payments, scope }, account) => {
    await payments.end({ account, org: scope.org });
    return ok(null);
  },
};

export const tenantMethods = Object.keys(handlers) as TenantMethod[];

/** The capability: every method is admission, then its handler. */
export function createBilling(dependencies: BillingDependencies): BillingRpc {
  const guarded = tenantMethods.map((method) => {
    // Each handler takes its own arguments; the mapped type above has checked every pair.
    const run = handlers[method] as (context: CallContext, ...rest: unknown[]) => Promise<BillingResult<unknown>>;
    const answer = async (call: SignedCall, ...rest: unknown[]): Promise<BillingResult<unknown>> => {
      const context = await admit(dependencies, method, call);
      return context === null ? refused("forbidden") : orUnavailable(() => run(context, ...rest));
    };
    return [method, answer] as const;
  });
  const read: BillingRpc["read"] = async (call, delivery) => {
    await admitDelivery(dependencies, call);
    return orUnavailable(async () => ok(await dependencies.payments.read(delivery)));
  };
  return { ...(Object.fromEntries(guarded) as unknown as BillingRpc), read };
}

/** A provider that is away is an answer; anything else that throws is a bug. */
async function orUnavailable<T>(work: () => Promise<BillingResult<T>>): Promise<BillingResult<T>> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PaymentsUnavailable) return refused("payments_unavailable");
    throw error;
  }
}
