/**
 * What a Stripe account holds, and what becomes of it, as Stripe's documentation says: customers, checkout
 * sessions, subscriptions and the events that each change makes. No network here.
 */
import { randomBytes } from "node:crypto";

export type Status = "active" | "past_due" | "unpaid" | "canceled" | "incomplete" | "incomplete_expired";

export interface Subscription {
  readonly id: string;
  readonly customer: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly itemId: string;
  readonly created: number;
  price: string;
  status: Status;
  cancelAtPeriodEnd: boolean;
  periodStart: number;
  periodEnd: number;
  endedAt: number | null;
  /** Its next payment will be refused. */
  cardFails: boolean;
}

export interface Customer {
  readonly id: string;
  readonly metadata: Readonly<Record<string, string>>;
  email?: string | null;
  deleted?: boolean;
}

export interface Invoice {
  readonly id: string;
  readonly subscription: string;
  readonly created: number;
  status: "open" | "paid";
}

export interface Session {
  readonly id: string;
  readonly customer: string;
  readonly price: string;
  readonly clientReference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly subscriptionMetadata: Readonly<Record<string, string>>;
  readonly successUrl: string;
  readonly cancelUrl: string;
  status: "open" | "complete" | "expired";
  subscription: string | null;
}

/** An event as it is sent: its text never changes once it was made. */
export interface StripeEvent {
  readonly id: string;
  readonly type: string;
  readonly body: string;
}

const monthSeconds = 30 * 86_400;

export class Ledger {
  readonly customers = new Map<string, Customer>();
  readonly sessions = new Map<string, Session>();
  readonly subscriptions = new Map<string, Subscription>();
  readonly invoices: Invoice[] = [];
  readonly portals = new Map<string, { readonly customer: string; readonly returnUrl: string }>();
  /** Every event in the order in which it happened. */
  readonly events: StripeEvent[] = [];
  /** What the account sells: price → minor units a month. */
  readonly prices: ReadonlyMap<string, number>;
  readonly #now: () => number;
  readonly #apiVersion: string;
  heard: (event: StripeEvent) => void = () => undefined;

  constructor(prices: ReadonlyMap<string, number>, apiVersion: string, now: () => number) {
    this.prices = prices;
    this.#apiVersion = apiVersion;
    this.#now = now;
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }

  addCustomer(metadata: Readonly<Record<string, string>>): string {
    const id = made("cus");
    this.customers.set(id, { id, metadata });
    this.emit("customer.created", { id, object: "customer", metadata, livemode: false });
    return id;
  }

  addSession(session: Omit<Session, "id" | "status" | "subscription">): Session {
    const added: Session = { ...session, id: made("cs_test"), status: "open", subscription: null };
    this.sessions.set(added.id, added);
    return added;
  }

  addPortal(customer: string, returnUrl: string): string {
    const id = made("bps");
    this.portals.set(id, { customer, returnUrl });
    return id;
  }

  /** The customer's card is good: the subscription comes to be, in the order in which Stripe lists the events. */
  pay(session: Session): Subscription {
    if (session.status !== "open") throw new Error("the session is over");
    const start = this.#seconds();
    const subscription: Subscription = {
      id: made("sub"),
      customer: session.customer,
      metadata: session.subscriptionMetadata,
      itemId: made("si"),
      created: start,
      price: session.price,
      status: "active",
      cancelAtPeriodEnd: false,
      periodStart: start,
      periodEnd: start + monthSeconds,
      endedAt: null,
      cardFails: false,
    };
    this.subscriptions.set(subscription.id, subscription);
    session.status = "complete";
    session.subscription = subscription.id;
    this.emit("customer.subscription.created", subscriptionBody(subscription));
    this.#invoiced(subscription, "paid");
    this.emit("checkout.session.completed", sessionBody(session, ""));
    return subscription;
  }

  /** A further month begins. */
  renew(subscription: Subscription, isPaid: boolean): void {
    subscription.periodStart = subscription.periodEnd;
    subscription.periodEnd += monthSeconds;
    subscription.status = isPaid ? "active" : "past_due";
    this.#invoiced(subscription, isPaid ? "paid" : "open");
    this.#updated(subscription);
  }

  /** What was owed is paid. */
  settle(subscription: Subscription): void {
    subscription.status = "active";
    for (const invoice of this.invoices) {
      if (invoice.subscription !== subscription.id || invoice.status === "paid") continue;
      invoice.status = "paid";
      this.#tell(invoice, subscription);
    }
    this.#updated(subscription);
  }

  /** Its retries are over: `unpaid`, as an account may choose. */
  exhaust(subscription: Subscription): void {
    subscription.status = "unpaid";
    this.#updated(subscription);
  }

  change(subscription: Subscription, price: string): void {
    subscription.price = price;
    this.#updated(subscription);
  }

  cancelAtPeriodEnd(subscription: Subscription, wanted: boolean): void {
    subscription.cancelAtPeriodEnd = wanted;
    this.#updated(subscription);
  }

  cancel(subscription: Subscription): void {
    subscription.status = "canceled";
    subscription.endedAt = this.#seconds();
    this.emit("customer.subscription.deleted", subscriptionBody(subscription));
  }

  #updated(subscription: Subscription): void {
    this.emit("customer.subscription.updated", subscriptionBody(subscription));
  }

  #invoiced(subscription: Subscription, status: Invoice["status"]): void {
    const invoice: Invoice = {
      id: made("in"),
      subscription: subscription.id,
      created: subscription.periodStart,
      status,
    };
    this.invoices.push(invoice);
    this.#tell(invoice, subscription);
  }

  #tell({ id, status }: Invoice, subscription: Subscription): void {
    const amount = this.prices.get(subscription.price) ?? 0;
    this.emit(status === "paid" ? "invoice.paid" : "invoice.payment_failed", {
      id,
      object: "invoice",
      livemode: false,
      customer: subscription.customer,
      status,
      amount_due: amount,
      amount_paid: status === "paid" ? amount : 0,
      currency: "inr",
      parent: {
        type: "subscription_details",
        quote_details: null,
        subscription_details: { subscription: subscription.id, metadata: subscription.metadata },
      },
    });
  }

  /** Makes an event of any kind, as some other change of the account would. */
  emit(type: string, object: object, more: object = {}): StripeEvent {
    const id = made("evt");
    const body = JSON.stringify(
      {
        id,
        object: "event",
        api_version: this.#apiVersion,
        created: this.#seconds(),
        data: { object },
        livemode: false,
        pending_webhooks: 1,
        request: { id: null, idempotency_key: null },
        type,
        ...more,
      },
      null,
      2,
    );
    const event = { id, type, body };
    this.events.push(event);
    this.heard(event);
    return event;
  }
}

export const made = (prefix: string): string => `${prefix}_${randomBytes(12).toString("hex")}`;

export function subscriptionBody(subscription: Subscription): object {
  const { id, customer, metadata, created, status, cancelAtPeriodEnd, periodStart, periodEnd, endedAt } = subscription;
  const item = {
    id: subscription.itemId,
    object: "subscription_item",
    created,
    current_period_start: periodStart,
    current_period_end: periodEnd,
    price: { id: subscription.price, object: "price", currency: "inr", livemode: false },
    quantity: 1,
    subscription: id,
  };
  return {
    id,
    object: "subscription",
    created,
    customer,
    metadata,
    status,
    livemode: false,
    cancel_at_period_end: cancelAtPeriodEnd,
    cancel_at: cancelAtPeriodEnd ? periodEnd : null,
    canceled_at: endedAt,
    ended_at: endedAt,
    collection_method: "charge_automatically",
    currency: "inr",
    items: {
      object: "list",
      data: [item],
      has_more: false,
      total_count: 1,
      url: `/v1/subscription_items?subscription=${id}`,
    },
  };
}

export function sessionBody(session: Session, url: string): object {
  return {
    id: session.id,
    object: "checkout.session",
    mode: "subscription",
    livemode: false,
    customer: session.customer,
    client_reference_id: session.clientReference,
    metadata: session.metadata,
    status: session.status,
    payment_status: session.status === "complete" ? "paid" : "unpaid",
    subscription: session.subscription,
    success_url: session.successUrl,
    cancel_url: session.cancelUrl,
    url: session.status === "open" ? url : null,
  };
}
