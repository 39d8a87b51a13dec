import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { BillingResult, BillingRpc } from "../../../core/rpc/billing.ts";
import { fromPart } from "../downstream.ts";
import type { MemberContext } from "../pipeline/request-context.ts";
import { type Refusal, refuse } from "./result.ts";

/** Asks the billing capability on the member's behalf. @throws Unavailable */
export function askBilling<T>(
  context: MemberContext,
  ask: (billing: BillingRpc, call: SignedCall) => Promise<T>,
): Promise<T> {
  return fromPart("billing", async () => ask(context.services.billing, await context.asUser("capabilities.billing")));
}

/** Maps the capability's refusal to the problem that the client sees. */
export function billingRefusal({ code }: Extract<BillingResult<unknown>, { ok: false }>): Refusal {
  switch (code) {
    case "forbidden":
    case "not_found":
      return refuse(code);
    case "payments_unavailable":
      return refuse("unavailable", {
        detail: "The payment provider did not answer; nothing is known to have been done.",
      });
  }
}
