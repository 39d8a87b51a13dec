/** What whoever takes payments can do, and what it says. One implementation each in workers/capabilities/billing/. */
import { type OrgId, parseId } from "../ids.ts";
import type { Plan } from "../tenancy/plan.ts";
import type { Currency } from "./money.ts";

/** `invoice`: the platform's own invoices, paid to its bank account. The default, and all there is without Stripe's keys. */
export const paymentProviderNames = ["invoice", "stripe"] as const;
export type PaymentProviderName = (typeof paymentProviderNames)[number];

/** Parses a provider's name; null for anything else. */
export function parsePaymentProviderName(text: unknown): PaymentProviderName | null {
  return paymentProviderNames.find((name) => name === text) ?? null;
}

/** What an organisation is at its provider. Names are the provider's own; they open nothing without its secret. */
export interface ProviderAccount {
  readonly customer: string | null;
  readonly subscription: string | null;
}

export interface CheckoutRequest {
  readonly org: OrgId;
  readonly plan: Exclude<Plan, "free">;
  readonly currency: Currency;
  /** To whom the provider writes; null: it asks. */
  readonly email: string | null;
  readonly account: ProviderAccount;
  /** The same for one intention of an owner's, however often it is sent: the provider must not charge twice. */
  readonly idempotencyKey: string;
  /** As that of a {@link Delivery}. */
  readonly askedAtMs: number;
  /** Where the browser comes back to: an address of this platform's own. */
  readonly returnUrl: string;
}

export type CheckoutAnswer =
  /** The owner goes there to pay; the plan changes when the provider says so. `customer`: whose page it is. */
  | { readonly kind: "redirect"; readonly url: string; readonly customer: string }
  /** A subscription that is there already was changed; the plan changes with this state. */
  | { readonly kind: "changed"; readonly state: ProviderState }
  /** Nobody takes a payment here: the operator is asked, and the plan changes when they agree. */
  | { readonly kind: "requested" };

export interface PortalRequest {
  readonly org: OrgId;
  readonly account: ProviderAccount;
  readonly returnUrl: string;
}

export interface EndRequest {
  readonly org: OrgId;
  readonly account: ProviderAccount;
}

/** How a subscription is, as its provider knows it at one moment. A later one replaces it whole. */
export interface ProviderState {
  readonly org: OrgId;
  readonly customer: string;
  /** Null: it is over. */
  readonly subscription: string | null;
  /** What is paid for; `free` when nothing is. */
  readonly plan: Plan;
  readonly currency: Currency;
  /** Since when a payment has been overdue, Unix milliseconds; null: none is. */
  readonly owedSinceMs: number | null;
  /** When it ends because somebody ended it, Unix milliseconds. */
  readonly endsAtMs: number | null;
  /** When the provider was asked, by the control database's clock (`askedAtMs`). One that is older than the stored one is not applied. */
  readonly asOfMs: number;
}

/** One event, verified. */
export interface PaymentEvent {
  readonly provider: PaymentProviderName;
  /** The provider's own; the same one is applied once. */
  readonly id: string;
  /** The provider's own name for it, for the record. */
  readonly kind: string;
  readonly occurredAtMs: number;
  /** Null: of a kind that changes nothing here; noted, and answered like any other. */
  readonly state: ProviderState | null;
}

/** What arrived at the webhook: bytes as they came, because the signature is over those. */
export interface Delivery {
  readonly body: Uint8Array;
  readonly signature: string;
  /**
   * When the control database was asked for the time, before the provider is: Unix milliseconds with their fraction. One
   * clock for all deliveries, so that a state that was asked for later is the later one, whichever isolate asked.
   */
  readonly askedAtMs: number;
}

export type DeliveryRefusal =
  /** Not signed with one of the secrets, or too long ago. */
  | "not_genuine"
  /** Genuine, of another account or mode (test, live). */
  | "not_ours";

export type DeliveryReading =
  | { readonly ok: true; readonly event: PaymentEvent }
  | { readonly ok: false; readonly code: DeliveryRefusal };

/** @throws PaymentsUnavailable when the provider can't be reached, or answers what it should not */
export interface PaymentProvider {
  readonly name: PaymentProviderName;
  checkout(request: CheckoutRequest): Promise<CheckoutAnswer>;
  /** Where the owner sees what was paid and ends the subscription; null: there is no such place. */
  portal(request: PortalRequest): Promise<{ readonly url: string } | null>;
  /** Verifies a delivery and says what it means. */
  read(delivery: Delivery): Promise<DeliveryReading>;
  /**
   * Ends at once whatever the organisation pays, because it is erased. What has ended stays so.
   * @throws PaymentsUnavailable also when a subscription that is known of can't be found: it may be charged elsewhere
   */
  end(request: EndRequest): Promise<void>;
}

/** The provider is away; nothing is known to have been done. The message names no secret and no body. */
export class PaymentsUnavailable extends Error {
  override name = "PaymentsUnavailable";
}

/** The organisation in a provider's metadata, where we wrote it; null for anything else. */
export function orgOfMetadata(metadata: Readonly<Record<string, string>> | null): OrgId | null {
  return parseId("org", metadata?.["org_id"]);
}
