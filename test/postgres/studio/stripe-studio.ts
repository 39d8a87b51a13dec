/** Studio on the real database, the real provider, and a Stripe that keeps what it is told. Only Stripe is ours. */
import { decodeJwt } from "jose";
import Stripe from "stripe";
import { parseId } from "../../../core/ids.ts";
import type { BillingResult } from "../../../core/rpc/billing.ts";
import type { Plan } from "../../../core/tenancy/plan.ts";
import { parseStripeConfig } from "../../../workers/capabilities/billing/stripe/config.ts";
import { createStripeProvider } from "../../../workers/capabilities/billing/stripe/provider.ts";
import type { Services } from "../../../workers/studio/services.ts";
import type { StripeEvent, Subscription } from "../../support/stripe/ledger.ts";
import { type StripePeer, startStripe } from "../../support/stripe/server.ts";
import { signatureOf } from "../../support/stripe/signature.ts";
import { createHarness, type Harness, type Sent } from "./harness.ts";

const key = "sk_test_0123456789abcdef";
const secret = "whsec_0123456789abcdef";
const priceOf: Readonly<Record<Exclude<Plan, "free">, string>> = { school: "price_school", district: "price_district" };

export const webhookPath = "/api/v1/billing/webhook";

/** An answer of Stripe's that it has given and that has not arrived. */
export interface HeldAnswer {
  /** Resolves once Stripe has answered: what happens from then on is not in it. */
  readonly given: Promise<void>;
  arrives(): void;
}

export interface StripeStudio {
  readonly peer: StripePeer;
  readonly studio: Harness;
  readonly services: Services;
  deliver(event: Pick<StripeEvent, "body">, secrets?: readonly string[], atMs?: number): Promise<Sent>;
  newest(): StripeEvent;
  /** Pays as an owner would on Stripe's page. */
  pays(org: { readonly id: string }, plan: Exclude<Plan, "free">, customer?: string): Subscription;
  /** Holds the next answer back until it is let through; those after it pass. */
  holdNextAnswer(): HeldAnswer;
}

export async function createStripeStudio(): Promise<StripeStudio> {
  const prices = new Map([
    ["price_school", 499_900],
    ["price_district", 2_499_900],
  ]);
  const peer = await startStripe({ key, apiVersion: Stripe.API_VERSION, prices });
  const config = parseStripeConfig({
    STRIPE_SECRET_KEY: key,
    STRIPE_WEBHOOK_SECRETS: secret,
    STRIPE_PRICES: "school:INR=price_school,district:INR=price_district",
    LOOPBACK_STRIPE: peer.origin,
  });
  if (config === null) throw new Error("it is configured");
  let held: { given(): void; readonly arrived: Promise<void> } | null = null;
  const fetchHeld: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const holding = held;
    held = null;
    holding?.given();
    await holding?.arrived;
    return response;
  };
  const provider = createStripeProvider(config, { fetch: fetchHeld, now: Date.now, note: () => undefined });
  const answered = <T>(work: Promise<T>): Promise<BillingResult<T>> =>
    work.then(
      (value) => ({ ok: true, value }),
      () => ({ ok: false, code: "payments_unavailable" }),
    );
  const orgOf = ({ assertion }: { readonly assertion: string }) => {
    const org = parseId("org", decodeJwt(assertion)["org"]);
    if (org === null) throw new Error("the call is of one organisation");
    return org;
  };
  const made: { services: Services | null } = { services: null };
  const studio = await createHarness((services) => {
    const { billing } = services;
    made.services = {
      ...services,
      billing: {
        ...billing,
        // The stand-in verifies the call as the capability does.
        read: async (call, delivery) => {
          await billing.read(call, delivery);
          return answered(provider.read(delivery));
        },
        end: async (call, account) => {
          await billing.end(call, account);
          return answered(provider.end({ org: orgOf(call), account }).then(() => null));
        },
        checkout: async (call, request) => {
          await billing.checkout(call, request);
          return answered(provider.checkout({ ...request, org: orgOf(call) }));
        },
      },
    };
    return made.services;
  });
  if (made.services === null) throw new Error("there is no studio");
  return {
    peer,
    studio,
    services: made.services,
    deliver: ({ body }, secrets = [secret], atMs = Date.now()) => {
      const headers = { "Content-Type": "application/json", "Stripe-Signature": signatureOf(body, secrets, atMs) };
      return studio.send("POST", webhookPath, { rawBody: body, headers });
    },
    newest: () => peer.ledger.events.at(-1) as StripeEvent,
    pays: (org, plan, customer = peer.ledger.addCustomer({ org_id: org.id })) => {
      const named = { org_id: org.id };
      const back = "https://sentinel.test/";
      const session = { customer, price: priceOf[plan], clientReference: org.id, successUrl: back, cancelUrl: back };
      return peer.ledger.pay(peer.ledger.addSession({ ...session, metadata: named, subscriptionMetadata: named }));
    },
    holdNextAnswer: () => {
      const [given, arrived] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      held = { given: given.resolve, arrived: arrived.promise };
      return { given: given.promise, arrives: arrived.resolve };
    },
  };
}
