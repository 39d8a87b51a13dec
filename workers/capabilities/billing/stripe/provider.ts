import Stripe from "stripe";
import {
  type CheckoutAnswer,
  type CheckoutRequest,
  type EndRequest,
  orgOfMetadata,
  type PaymentProvider,
  PaymentsUnavailable,
  type ProviderAccount,
  type ProviderState,
} from "../../../../core/billing/provider.ts";
import { createStripeClient, isDeclined, isMissing } from "./client.ts";
import { priceOf, type StripeConfig } from "./config.ts";
import { readCustomer, readEnded, subscriptionsMax } from "./state.ts";
import { type HeardEvent, verifyEvent } from "./verify-event.ts";

/** Open checkout pages of one customer that are closed before another is opened; one is usual. */
const openSessionsMax = 100;
/** States of a subscription in which it takes no further payment. */
const over: ReadonlySet<string> = new Set(["canceled", "incomplete_expired"]);

export interface StripeDependencies {
  readonly fetch: typeof fetch;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Why something failed, by the kind of error alone: Stripe's own messages may hold a part of the key. */
  readonly note: (what: string) => void;
}

/** Payments by Stripe. Cards are shown to Stripe's own pages and never come here. */
export function createStripeProvider(config: StripeConfig, dependencies: StripeDependencies): PaymentProvider {
  const { now, note } = dependencies;
  const stripe = createStripeClient(config, dependencies.fetch);
  /** What Stripe can't do now, or will not: in both cases nothing is known to have been done. */
  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof PaymentsUnavailable) {
        note(error.message);
        throw error;
      }
      note(error instanceof Stripe.errors.StripeError ? `${error.type} ${error.code ?? ""}`.trim() : "no answer");
      throw new PaymentsUnavailable("Stripe did not do it");
    }
  };
  return {
    name: "stripe",
    checkout: (request) => asked(() => checkout(stripe, config, request)),
    portal: ({ account, returnUrl }) => asked(() => portal(stripe, config, account, returnUrl)),
    async read({ body, signature, askedAtMs }) {
      const verified = await verifyEvent(config, body, signature === "" ? null : signature, now());
      if (!verified.ok) {
        note(`an event was refused: ${verified.why}`);
        return { ok: false, code: verified.why.startsWith("another") ? "not_ours" : "not_genuine" };
      }
      const { id, kind, createdMs } = verified.event;
      const state = await asked(() => stateAfter(stripe, config, verified.event, askedAtMs));
      return { ok: true, event: { provider: "stripe", id, kind, occurredAtMs: createdMs, state } };
    },
    end: (request) => asked(() => end(stripe, request)),
  };
}

/** How the customer stands whom an event names; null: it tells of none, or of none of ours. */
async function stateAfter(
  stripe: Stripe,
  config: StripeConfig,
  { customer, subscription }: HeardEvent,
  askedAtMs: number,
): Promise<ProviderState | null> {
  if (customer === null) return null;
  try {
    return (await readCustomer(stripe, config, customer, askedAtMs))?.state ?? null;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return subscription === null ? null : await readEnded(stripe, config, { customer, subscription }, askedAtMs);
  }
}

async function checkout(stripe: Stripe, config: StripeConfig, request: CheckoutRequest): Promise<CheckoutAnswer> {
  const { org, plan, currency, account, idempotencyKey, askedAtMs, returnUrl } = request;
  const known = await knownCustomer(stripe, account);
  const found = known === null ? null : await readCustomer(stripe, config, known, askedAtMs);
  // A subscription stays in its currency, whatever invoices are made out in since.
  const price = priceOf(config, plan, found?.living == null ? currency : found.state.currency);
  if (price === null) return { kind: "requested" };
  if (found !== null && found.state.org !== org)
    throw new PaymentsUnavailable("the customer is another organisation's");
  if (known !== null && found?.living != null) {
    if (found.living.price === price && found.state.endsAtMs === null && found.living.meaning === "paid")
      return { kind: "changed", state: found.state };
    // What is owed is paid first, and a card that is refused is changed, where one can: on Stripe's own page.
    const toPortal = async (): Promise<CheckoutAnswer> => {
      const page = await portal(stripe, config, account, returnUrl);
      if (page === null) throw new PaymentsUnavailable("a customer with a subscription has no portal");
      return { kind: "redirect", url: page.url, customer: known };
    };
    if (found.living.meaning !== "paid") return await toPortal();
    try {
      await stripe.subscriptions.update(
        found.living.id,
        {
          items: [{ id: found.living.itemId, price }],
          cancel_at_period_end: false,
          proration_behavior: "always_invoice",
          payment_behavior: "error_if_incomplete",
        },
        { idempotencyKey: `${idempotencyKey}:change` },
      );
    } catch (error) {
      if (isDeclined(error)) return await toPortal();
      throw error;
    }
    const changed = await readCustomer(stripe, config, known, askedAtMs);
    if (changed === null || changed.state.org !== org) throw new PaymentsUnavailable("a customer was there and is not");
    return { kind: "changed", state: changed.state };
  }
  const customer = known ?? (await newCustomer(stripe, request));
  await closeOpenPages(stripe, customer, idempotencyKey);
  const session = await stripe.checkout.sessions.create(
    {
      mode: "subscription",
      customer,
      client_reference_id: org,
      line_items: [{ price, quantity: 1 }],
      metadata: { org_id: org, intention: idempotencyKey },
      subscription_data: { metadata: { org_id: org } },
      success_url: withOutcome(returnUrl, "paid"),
      cancel_url: withOutcome(returnUrl, "cancelled"),
    },
    { idempotencyKey: `${idempotencyKey}:session` },
  );
  return { kind: "redirect", url: pageOf(config, session.url), customer };
}

/**
 * Null also for one that is gone at Stripe and has never paid, or was made with the key of another account or mode: then
 * the next one takes its place.
 */
async function knownCustomer(stripe: Stripe, { customer, subscription }: ProviderAccount): Promise<string | null> {
  if (customer === null || subscription !== null) return customer;
  try {
    const found = await stripe.customers.retrieve(customer);
    return found.deleted === true ? null : customer;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/**
 * One an organisation: the key is the organisation's and nothing else is in the request, so that two owners who pay at
 * once are one customer. To whom Stripe writes is said apart, because the same key with another address is an error.
 */
async function newCustomer(stripe: Stripe, { org, email, account, idempotencyKey }: CheckoutRequest): Promise<string> {
  const { id } = await stripe.customers.create(
    { metadata: { org_id: org } },
    // After one that is gone another.
    { idempotencyKey: `customer:${org}:${account.customer ?? ""}` },
  );
  if (email !== null) await stripe.customers.update(id, { email }, { idempotencyKey: `${idempotencyKey}:email` });
  return id;
}

/** A page that stays open could be paid besides the next one: the organisation would pay twice. */
async function closeOpenPages(stripe: Stripe, customer: string, intention: string): Promise<void> {
  const { data } = await stripe.checkout.sessions.list({ customer, status: "open", limit: openSessionsMax });
  // The one of this very intention is what its repetition is answered with.
  for (const { id, metadata } of data)
    if (metadata?.["intention"] !== intention) await stripe.checkout.sessions.expire(id);
}

async function portal(
  stripe: Stripe,
  config: StripeConfig,
  { customer }: ProviderAccount,
  returnUrl: string,
): Promise<{ readonly url: string } | null> {
  if (customer === null) return null;
  try {
    const { url } = await stripe.billingPortal.sessions.create({ customer, return_url: returnUrl });
    return { url: pageOf(config, url) };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Every subscription that the customer has for this organisation ends, and every page on which another could begin. */
async function end(stripe: Stripe, { org, account: { customer, subscription } }: EndRequest): Promise<void> {
  if (customer === null) return;
  try {
    await closeOpenPages(stripe, customer, "");
    const { data } = await stripe.subscriptions.list({ customer, status: "all", limit: subscriptionsMax });
    for (const { id, status, metadata } of data) {
      if (over.has(status)) continue;
      // Whoever is confused about whose customer this is ends nothing of another's.
      if (orgOfMetadata(metadata) !== org) throw new PaymentsUnavailable("a subscription is another organisation's");
      await stripe.subscriptions.cancel(id);
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  if (subscription === null) return;
  // Seen to be over, not only not seen: with the key of another account or mode nobody is found who is charged on.
  const { status } = await stripe.subscriptions.retrieve(subscription);
  if (!over.has(status)) throw new PaymentsUnavailable("a subscription did not end");
}

/** The browser is sent there: an address of Stripe's, or of what stands for it. @throws PaymentsUnavailable */
function pageOf({ origin }: StripeConfig, text: string | null): string {
  const url = text === null ? null : URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.origin !== origin.origin))
    throw new PaymentsUnavailable("an answer has no page to go to");
  return url.href;
}

function withOutcome(returnUrl: string, outcome: "paid" | "cancelled"): string {
  const url = new URL(returnUrl);
  url.searchParams.set("checkout", outcome);
  return url.href;
}
