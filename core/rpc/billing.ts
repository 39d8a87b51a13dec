/** What the `Billing` entrypoint of capabilities offers to studio. */
import type {
  CheckoutAnswer,
  CheckoutRequest,
  Delivery,
  DeliveryReading,
  PaymentProviderName,
  PortalRequest,
  ProviderAccount,
} from "../billing/provider.ts";
import type { LlmProviderId } from "../ids.ts";
import type { SignedCall } from "../mesh/claims.ts";
import type { TenantUsage } from "./capabilities.ts";

/** A refusal that the caller turns into a problem; anything else that goes wrong throws. */
export type BillingResult<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly code:
        | "forbidden"
        /** The provider has nothing of that kind. */
        | "not_found"
        /** The provider did not answer, or not as it should; nothing is known to have been done. */
        | "payments_unavailable";
    };

/** What one organisation has now, as its own database says. */
export interface TenantMeasure extends TenantUsage {
  /** Providers of language models and how old each one's key is. */
  readonly llmKeys: readonly LlmKeyAge[];
}
export interface LlmKeyAge {
  readonly provider: LlmProviderId;
  readonly name: string;
  /** When the key was given, RFC 3339. */
  readonly since: string;
  readonly graceDays: number;
}

export interface BillingRpc {
  /** Job `tend_billing`: what there is to be metered. */
  measure(call: SignedCall): Promise<BillingResult<TenantMeasure>>;
  /** An owner's: who takes payments here. */
  provider(call: SignedCall): Promise<BillingResult<PaymentProviderName>>;
  /** An owner's. The organisation is the call's, whatever the request says. */
  checkout(call: SignedCall, request: Omit<CheckoutRequest, "org">): Promise<BillingResult<CheckoutAnswer>>;
  /** An owner's. */
  portal(call: SignedCall, request: Omit<PortalRequest, "org">): Promise<BillingResult<{ readonly url: string }>>;
  /** Job `take_payments`, of no organisation: the delivery says whose it is, once it is verified. */
  read(call: SignedCall, delivery: Delivery): Promise<BillingResult<DeliveryReading>>;
  /** Job `tend_billing`: ends what the call's organisation pays at the provider. */
  end(call: SignedCall, account: ProviderAccount): Promise<BillingResult<null>>;
}
