import type Stripe from "stripe";
import { type Currency, parseCurrency } from "../../../../core/billing/money.ts";
import { dearer } from "../../../../core/billing/prices.ts";
import { orgOfMetadata, PaymentsUnavailable, type ProviderState } from "../../../../core/billing/provider.ts";
import type { OrgId } from "../../../../core/ids.ts";
import type { StripeConfig } from "./config.ts";

/** Subscriptions of one customer that are looked at: one lives, and each that ended was paid for once. */
export const subscriptionsMax = 100;
/** Unpaid invoices of one subscription that are looked at: Stripe gives up long before. */
const invoicesMax = 100;

/** What each of Stripe's states is to us. One that is not here is one that we don't know, and nothing is done. */
const meanings: Readonly<Record<string, "paid" | "owed" | "idle" | "over">> = {
  active: "paid",
  trialing: "paid",
  past_due: "owed",
  unpaid: "owed",
  // It lives, nothing is paid for, and nothing owed.
  paused: "idle",
  // Its first payment was not made, so it never began.
  incomplete: "over",
  incomplete_expired: "over",
  canceled: "over",
};

/** A subscription that lives, and what it is for. */
export interface Living {
  readonly id: string;
  readonly itemId: string;
  readonly price: string;
  readonly meaning: "paid" | "owed" | "idle";
}

export interface CustomerState {
  readonly state: ProviderState;
  /** The one that {@link ProviderState.plan} is from; null: there is none. */
  readonly living: Living | null;
}

/**
 * Asks Stripe how a customer stands. The whole customer, not the subscription that an event was about: the end of one
 * that was replaced must not end the one that replaced it.
 * @param asOfMs when this was begun, Unix milliseconds
 * @returns null for a customer without a subscription, and for one that this platform did not make
 * @throws PaymentsUnavailable when Stripe says what is not known here
 * @throws whatever Stripe's library throws
 */
export async function readCustomer(
  stripe: Stripe,
  config: StripeConfig,
  customer: string,
  asOfMs: number,
): Promise<CustomerState | null> {
  const { data } = await stripe.subscriptions.list({ customer, status: "all", limit: subscriptionsMax });
  const org = orgOf(data);
  const [newest] = data;
  if (org === null || newest === undefined) return null;
  if (data.some(({ livemode }) => livemode !== config.livemode)) throw new PaymentsUnavailable("of another mode");
  const held = data.flatMap((subscription) => livingOf(subscription, config));
  const best = held.reduce<Held | null>(better, null);
  const base = { org, customer, asOfMs };
  if (best === null) {
    const currency = currencyOf(newest);
    return {
      living: null,
      state: { ...base, currency, subscription: null, plan: "free", owedSinceMs: null, endsAtMs: null },
    };
  }
  const { subscription, plan, living, currency } = best;
  const owedSinceMs = living.meaning === "owed" ? await owedSince(stripe, subscription) : null;
  const state: ProviderState = {
    ...base,
    currency,
    subscription: subscription.id,
    plan: living.meaning === "idle" ? "free" : plan,
    owedSinceMs,
    endsAtMs: subscription.cancel_at === null ? null : subscription.cancel_at * 1000,
  };
  return { state, living };
}

/**
 * How a customer stands who is deleted at Stripe, which ends their subscriptions: the subscription that an event is about
 * still says whose it was. Without this its end would never be heard, and the plan stay for nothing.
 * @returns null for one that this platform did not make
 * @throws PaymentsUnavailable when it goes on all the same
 */
export async function readEnded(
  stripe: Stripe,
  config: StripeConfig,
  { customer, subscription }: { readonly customer: string; readonly subscription: string },
  asOfMs: number,
): Promise<ProviderState | null> {
  const ended = await stripe.subscriptions.retrieve(subscription);
  const org = orgOf([ended]);
  if (org === null || ended.customer !== customer) return null;
  if (ended.livemode !== config.livemode) throw new PaymentsUnavailable("of another mode");
  if (meanings[ended.status] !== "over") throw new PaymentsUnavailable("a subscription goes on without its customer");
  const currency = currencyOf(ended);
  return { org, customer, asOfMs, currency, subscription: null, plan: "free", owedSinceMs: null, endsAtMs: null };
}

interface Held {
  readonly subscription: Stripe.Subscription;
  readonly plan: ProviderState["plan"];
  readonly currency: Currency;
  readonly living: Living;
}

function livingOf(subscription: Stripe.Subscription, { prices }: StripeConfig): Held[] {
  const meaning = meanings[subscription.status];
  if (meaning === undefined) throw new PaymentsUnavailable("a subscription is in a state that is not known");
  if (meaning === "over") return [];
  for (const item of subscription.items.data) {
    const sold = prices.get(item.price.id);
    if (sold === undefined) continue;
    const living = { id: subscription.id, itemId: item.id, price: item.price.id, meaning };
    return [{ subscription, plan: sold.plan, currency: currencyOf(subscription), living }];
  }
  // Somebody pays for what the configuration doesn't name: Stripe sends it again until it does.
  throw new PaymentsUnavailable("a subscription has a price that STRIPE_PRICES does not name");
}

/** Paid before owed before idle, the dearer plan before the other, and of equals the one that began later. */
function better(one: Held | null, other: Held): Held {
  if (one === null) return other;
  const rank = { paid: 2, owed: 1, idle: 0 };
  const difference = rank[one.living.meaning] - rank[other.living.meaning];
  if (difference !== 0) return difference > 0 ? one : other;
  if (one.plan !== other.plan) return dearer(one.plan, other.plan) === one.plan ? one : other;
  return one.subscription.created >= other.subscription.created ? one : other;
}

/** Where we wrote it, at the checkout. Two of them are nobody's. */
function orgOf(subscriptions: readonly Stripe.Subscription[]): OrgId | null {
  const orgs = new Set(subscriptions.map(({ metadata }) => orgOfMetadata(metadata)));
  const [org] = orgs;
  return orgs.size === 1 ? (org ?? null) : null;
}

function currencyOf({ currency }: Stripe.Subscription): Currency {
  const known = parseCurrency(currency.toUpperCase());
  if (known === null) throw new PaymentsUnavailable("a subscription is in a currency that is not known");
  return known;
}

/** Since when its oldest unpaid invoice has been due; the newest alone would begin the days of grace anew each month. */
async function owedSince(stripe: Stripe, { id, items }: Stripe.Subscription): Promise<number> {
  const { data } = await stripe.invoices.list({ subscription: id, status: "open", limit: invoicesMax });
  const due = data.map(({ due_date, created }) => due_date ?? created);
  // None is open when each was given up: then it is at the latest since this period began.
  const since = due.length > 0 ? due : items.data.map(({ current_period_start }) => current_period_start);
  return Math.min(...since) * 1000;
}
