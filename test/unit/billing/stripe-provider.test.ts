import Stripe from "stripe";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type CheckoutRequest, PaymentsUnavailable, type ProviderAccount } from "../../../core/billing/provider.ts";
import type { OrgId } from "../../../core/ids.ts";
import { invoiceProvider } from "../../../workers/capabilities/billing/invoice-provider.ts";
import { parseStripeConfig } from "../../../workers/capabilities/billing/stripe/config.ts";
import { createStripeProvider } from "../../../workers/capabilities/billing/stripe/provider.ts";
import type { Session, StripeEvent, Subscription } from "../../support/stripe/ledger.ts";
import { type StripePeer, startStripe } from "../../support/stripe/server.ts";
import { signatureOf } from "../../support/stripe/signature.ts";
import { newId } from "../capabilities/mesh.ts";

// The provider against a server that speaks Stripe's API over real HTTP and keeps what it is told.

const key = "sk_test_0123456789abcdef";
const secret = "whsec_0123456789abcdef";
const prices = new Map([
  ["price_school", 499_900],
  ["price_district", 2_499_900],
  ["price_unknown", 1],
]);
let peer: StripePeer;
let provider: ReturnType<typeof createStripeProvider>;
let notes: string[];
let org: OrgId;

beforeAll(async () => {
  peer = await startStripe({ key, apiVersion: Stripe.API_VERSION, prices });
});
afterAll(() => peer?.stop());
beforeEach(() => {
  notes = [];
  peer.faults = [];
  org = newId("org");
  provider = providerWith(key);
});

function providerWith(secretKey: string) {
  const config = parseStripeConfig({
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_WEBHOOK_SECRETS: secret,
    STRIPE_PRICES: "school:INR=price_school,district:INR=price_district",
    LOOPBACK_STRIPE: peer.origin,
  });
  if (config === null) throw new Error("it is configured");
  return createStripeProvider(config, { fetch, now: Date.now, note: (what) => void notes.push(what) });
}

const nobody: ProviderAccount = { customer: null, subscription: null };
const returnUrl = "https://sentinel.example/demo/billing";
const asks = (more: Partial<CheckoutRequest> = {}): CheckoutRequest => ({
  org,
  plan: "school",
  currency: "INR",
  email: "owner@example.test",
  account: nobody,
  idempotencyKey: newId("request"),
  askedAtMs: Date.now(),
  returnUrl,
  ...more,
});

/** The session whose page an owner was sent to. */
async function pageFor(request: CheckoutRequest): Promise<Session> {
  const answer = await provider.checkout(request);
  if (answer.kind !== "redirect") throw new Error(`not sent to a page but ${answer.kind}`);
  const session = peer.ledger.sessions.get(new URL(answer.url).pathname.split("/").at(-1) ?? "");
  if (session === undefined) throw new Error("the page is none of a session");
  return session;
}
/** Who has paid. */
async function paying(): Promise<{ readonly subscription: Subscription; readonly account: ProviderAccount }> {
  const subscription = peer.ledger.pay(await pageFor(asks()));
  return { subscription, account: { customer: subscription.customer, subscription: subscription.id } };
}
const portalPage = expect.stringContaining("/p/session/bps_");
const deliveryOf = (event: StripeEvent) => ({
  body: new TextEncoder().encode(event.body),
  signature: signatureOf(event.body, [secret], Date.now()),
  askedAtMs: Date.now(),
});
/** What the provider makes of the newest event. */
async function latest() {
  const event = peer.ledger.events.at(-1);
  if (event === undefined) throw new Error("nothing has happened");
  const reading = await provider.read(deliveryOf(event));
  if (!reading.ok) throw new Error(reading.code);
  return reading.event;
}
const stateOf = async () => (await latest()).state;

describe("a checkout at Stripe", () => {
  it("is a page for the plan's price, of a customer who carries the organisation's name and nobody else's", async () => {
    const session = await pageFor(asks());
    expect(session).toMatchObject({ price: "price_school", clientReference: org, status: "open" });
    expect(session.subscriptionMetadata).toEqual({ org_id: org });
    expect(peer.ledger.customers.get(session.customer)?.metadata).toEqual({ org_id: org });
    expect([session.successUrl, session.cancelUrl]).toEqual([
      `${returnUrl}?checkout=paid`,
      `${returnUrl}?checkout=cancelled`,
    ]);
  });

  it("is one page for one intention, sent twice, and a page that is cut off is not made twice", async () => {
    const request = asks();
    const first = await pageFor(request);
    expect((await pageFor(request)).id).toBe(first.id);
    const before = peer.ledger.sessions.size;
    const other = asks({ idempotencyKey: newId("request") });
    // The customer, the list of open pages, its closing, then the page itself: done, and its answer lost.
    peer.faults = ["cut after"];
    await pageFor(other);
    expect(peer.ledger.sessions.size).toBe(before + 1);
    expect([...peer.ledger.customers.values()].filter(({ metadata }) => metadata["org_id"] === org)).toHaveLength(1);
  });

  it("closes the page before, so that nobody pays twice", async () => {
    const first = await pageFor(asks());
    const second = await pageFor(asks());
    expect([first.status, second.status, first.customer]).toEqual(["expired", "open", second.customer]);
  });

  it("is of one customer whichever owner asks: two customers would be two subscriptions", async () => {
    const [one, two] = await Promise.all([
      pageFor(asks({ email: "one@example.test" })),
      pageFor(asks({ email: null })),
    ]);
    const three = await pageFor(asks({ email: "three@example.test" }));
    expect([two?.customer, three.customer]).toEqual([one?.customer, one?.customer]);
    expect(peer.ledger.customers.get(three.customer)?.email).toBe("three@example.test");
  });

  it("is of another customer when the one before is gone at Stripe and never paid", async () => {
    const { customer } = await pageFor(asks());
    for (const gone of [customer, "cus_of_the_test_mode"]) {
      const known = peer.ledger.customers.get(gone);
      if (known !== undefined) known.deleted = true;
      const next = await pageFor(asks({ account: { customer: gone, subscription: null } }));
      expect(next.customer).not.toBe(gone);
    }
  });

  it("changes a subscription that is there, and asks for the money at once", async () => {
    const { subscription, account } = await paying();
    const answer = await provider.checkout(asks({ plan: "district", account }));
    expect(answer).toMatchObject({ kind: "changed", state: { org, plan: "district", subscription: subscription.id } });
    expect(peer.calls.findLast(({ method }) => method === "POST")?.fields.get("proration_behavior")).toBe(
      "always_invoice",
    );
    expect(
      [...peer.ledger.subscriptions.values()].filter(({ customer }) => customer === account.customer),
    ).toHaveLength(1);
  });

  it("changes a subscription in its own currency, whatever the owner would be invoiced in", async () => {
    const { subscription, account } = await paying();
    const answer = await provider.checkout(asks({ plan: "district", currency: "USD", account }));
    expect([answer.kind, subscription.price]).toEqual(["changed", "price_district"]);
  });

  it("takes back that a subscription was to end", async () => {
    const { subscription, account } = await paying();
    peer.ledger.cancelAtPeriodEnd(subscription, true);
    expect(await provider.checkout(asks({ account }))).toMatchObject({ kind: "changed", state: { endsAtMs: null } });
  });

  it("changes nothing when the card is refused: the owner is sent to where it can be changed", async () => {
    const { subscription, account } = await paying();
    subscription.cardFails = true;
    const answer = await provider.checkout(asks({ plan: "district", account }));
    expect(answer).toMatchObject({ kind: "redirect", customer: account.customer, url: portalPage });
    expect(subscription.price).toBe("price_school");
  });

  it("is where one pays what one owes, before anything else", async () => {
    const { subscription, account } = await paying();
    peer.ledger.renew(subscription, false);
    const answer = await provider.checkout(asks({ plan: "district", account }));
    expect(answer).toMatchObject({ kind: "redirect", customer: account.customer, url: portalPage });
  });

  it("is asked of the operator for what has no price", async () => {
    expect(await provider.checkout(asks({ currency: "USD" }))).toEqual({ kind: "requested" });
  });

  it("never touches another organisation's customer", async () => {
    const { account } = await paying();
    const before = peer.ledger.events.length;
    await expect(provider.checkout(asks({ org: newId("org"), plan: "district", account }))).rejects.toThrow(
      PaymentsUnavailable,
    );
    expect(peer.ledger.events.length).toBe(before);
  });
});

describe("the customer's own page at Stripe", () => {
  it("is of the organisation's customer, and of nobody when there is none", async () => {
    const { account } = await paying();
    expect(await provider.portal({ org, account, returnUrl })).toEqual({
      url: expect.stringContaining(`${peer.origin}/p/session/`),
    });
    expect([...peer.ledger.portals.values()].at(-1)).toEqual({ customer: account.customer, returnUrl });
    expect(await provider.portal({ org, account: nobody, returnUrl })).toBeNull();
    expect(await provider.portal({ org, account: { ...account, customer: "cus_gone" }, returnUrl })).toBeNull();
  });
});

describe("how a customer stands", () => {
  it("is what was paid for", async () => {
    const { subscription, account } = await paying();
    expect(await latest()).toMatchObject({ provider: "stripe", kind: "checkout.session.completed" });
    expect(await stateOf()).toMatchObject({
      org,
      ...account,
      plan: "school",
      currency: "INR",
      owedSinceMs: null,
      endsAtMs: null,
    });
    peer.ledger.cancelAtPeriodEnd(subscription, true);
    expect(await stateOf()).toMatchObject({ plan: "school", endsAtMs: subscription.periodEnd * 1000 });
    peer.ledger.cancel(subscription);
    expect(await stateOf()).toMatchObject({ plan: "free", subscription: null, owedSinceMs: null, endsAtMs: null });
  });

  it("is owed since the first payment that failed, not since the last, until all is paid", async () => {
    const { subscription } = await paying();
    peer.ledger.renew(subscription, false);
    const sinceMs = subscription.periodStart * 1000;
    expect(await stateOf()).toMatchObject({ plan: "school", owedSinceMs: sinceMs });
    peer.ledger.renew(subscription, false);
    peer.ledger.exhaust(subscription);
    expect(await stateOf()).toMatchObject({ plan: "school", owedSinceMs: sinceMs });
    peer.ledger.settle(subscription);
    expect(await stateOf()).toMatchObject({ plan: "school", owedSinceMs: null });
  });

  it("is not ended by the end of a subscription that another has replaced", async () => {
    const { subscription, account } = await paying();
    peer.ledger.cancel(subscription);
    const ended = peer.ledger.events.at(-1);
    const next = peer.ledger.pay(await pageFor(asks({ plan: "district", account })));
    if (ended === undefined) throw new Error("nothing has ended");
    const reading = await provider.read(deliveryOf(ended));
    expect(reading).toMatchObject({ ok: true, event: { state: { plan: "district", subscription: next.id } } });
  });

  it("is over for a customer who is deleted at Stripe, as the subscription still says; nothing else is said of them", async () => {
    const { subscription } = await paying();
    const gone = peer.ledger.customers.get(subscription.customer);
    if (gone === undefined) throw new Error("nobody has paid");
    gone.deleted = true;
    peer.ledger.cancel(subscription);
    expect(await stateOf()).toMatchObject({ org, customer: gone.id, plan: "free", subscription: null });
    peer.ledger.emit("invoice.paid", { object: "invoice", customer: gone.id });
    expect(await stateOf()).toBeNull();
    // What would go on is heard again later: nobody's plan ends by a guess.
    Object.assign(subscription, { status: "active" });
    peer.ledger.emit("customer.subscription.updated", {
      object: "subscription",
      id: subscription.id,
      customer: gone.id,
    });
    await expect(stateOf()).rejects.toThrow(PaymentsUnavailable);
  });

  it("is nothing for a customer who is none of ours", async () => {
    const stranger = peer.ledger.addCustomer({});
    const session = peer.ledger.addSession({
      customer: stranger,
      price: "price_school",
      clientReference: null,
      metadata: {},
      subscriptionMetadata: {},
      successUrl: returnUrl,
      cancelUrl: returnUrl,
    });
    peer.ledger.pay(session);
    expect(await stateOf()).toBeNull();
    peer.ledger.emit("invoice.paid", { object: "invoice", customer: peer.ledger.addCustomer({}) });
    expect(await stateOf()).toBeNull();
  });

  it("is not guessed: an unknown price or state is heard again later", async () => {
    const { subscription } = await paying();
    peer.ledger.change(subscription, "price_unknown");
    await expect(stateOf()).rejects.toThrow(PaymentsUnavailable);
    subscription.price = "price_school";
    Object.assign(subscription, { status: "of_next_year" });
    await expect(stateOf()).rejects.toThrow(PaymentsUnavailable);
  });
});

describe("an end", () => {
  it("ends every subscription and closes every page, and may be done twice", async () => {
    const { subscription, account } = await paying();
    await provider.end({ org, account });
    expect(subscription.status).toBe("canceled");
    const open = await pageFor(asks({ account }));
    await provider.end({ org, account });
    await provider.end({ org, account });
    expect(open.status).toBe("expired");
    await provider.end({ org, account: nobody });
    await provider.end({ org, account: { customer: "cus_gone", subscription: null } });
  });

  it("is not said of a subscription that is not found: with another account's key it is charged on", async () => {
    const { subscription, account } = await paying();
    for (const elsewhere of [{ customer: "cus_of_another_account" }, { customer: "cus_2", subscription: "sub_2" }])
      await expect(provider.end({ org, account: { ...account, ...elsewhere } })).rejects.toThrow(PaymentsUnavailable);
    await expect(invoiceProvider.end({ org, account })).rejects.toThrow(PaymentsUnavailable);
    await invoiceProvider.end({ org, account: { ...account, subscription: null } });
    expect(subscription.status).toBe("active");
  });

  it("is none of another organisation's, whoever says that its customer is this one's", async () => {
    const { subscription, account } = await paying();
    await expect(provider.end({ org: newId("org"), account })).rejects.toThrow(PaymentsUnavailable);
    expect(subscription.status).toBe("active");
  });
});

describe("a Stripe that fails", () => {
  it("is asked again after a 5xx or a cut, and the work is done once", async () => {
    for (const fault of [{ status: 500 }, { status: 503 }, "cut before", "cut after"] as const) {
      org = newId("org");
      const { account } = await paying();
      peer.faults = [fault];
      expect(await provider.portal({ org, account, returnUrl })).not.toBeNull();
    }
  });

  it("is away when it says 429, keeps failing, or answers what it should not", async () => {
    const { account } = await paying();
    const tooLong = { raw: `{"url":"${"x".repeat(2 * 1024 * 1024)}"}` };
    const faults: StripePeer["faults"][] = [
      [{ status: 429 }],
      [{ status: 500 }, { status: 500 }, { status: 500 }],
      [{ raw: "<html>" }],
      [{ raw: '{"object":"list"}' }],
      [{ raw: `{"url":"javascript:alert(1)"}` }],
      [tooLong, tooLong, tooLong],
    ];
    for (const some of faults) {
      peer.faults = some;
      await expect(provider.portal({ org, account, returnUrl })).rejects.toThrow(PaymentsUnavailable);
    }
  });

  it("says nothing of a key that it refuses: neither the error nor the note holds any of it", async () => {
    provider = providerWith("sk_test_fedcba9876543210");
    const error = await provider.checkout(asks()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PaymentsUnavailable);
    const said = `${error} ${(error as Error).stack} ${JSON.stringify(error)} ${String((error as Error).cause)} ${notes}`;
    expect(said).toContain("StripeAuthenticationError");
    expect(said).not.toMatch(/sk_test|whsec/);
  });
});
