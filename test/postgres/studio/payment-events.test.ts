import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Plan } from "../../../core/tenancy/plan.ts";
import type { StripeEvent, Subscription } from "../../support/stripe/ledger.ts";
import type { StripePeer } from "../../support/stripe/server.ts";
import { asSuperuser } from "../support.ts";
import { type Harness, operatorToken, type Sent } from "./harness.ts";
import { createStripeStudio, type StripeStudio, webhookPath } from "./stripe-studio.ts";

let peer: StripePeer;
let studio: Harness;
let stripe: StripeStudio;
let org: { readonly id: string; readonly slug: string };

beforeAll(async () => {
  stripe = await createStripeStudio();
  ({ peer, studio } = stripe);
});
afterAll(() => peer?.stop());
beforeEach(async () => {
  peer.faults = [];
  org = await studio.newOrg();
});

const path = webhookPath;
const deliver: StripeStudio["deliver"] = (...asked) => stripe.deliver(...asked);
const received = async (event: StripeEvent): Promise<void> => {
  const { status, body } = await deliver(event);
  expect([status, body]).toEqual([200, { received: true }]);
};
const newest = (): StripeEvent => stripe.newest();
const pays = (plan: Exclude<Plan, "free">, customer?: string): Subscription => stripe.pays(org, plan, customer);

interface Kept {
  readonly plan: string;
  readonly provider: string | null;
  readonly subscription: string | null;
  readonly owed: number | null;
  readonly ends: number | null;
}
async function kept(of = org): Promise<Kept> {
  const [row] = await asSuperuser(
    `SELECT o.plan, s.provider, s.subscription, extract(epoch FROM s.provider_owed_since)::float8 AS owed,
       extract(epoch FROM s.ends_at)::float8 AS ends
     FROM control.organisations o LEFT JOIN control.subscriptions s ON s.org_id = o.id WHERE o.id = $1`,
    [of.id],
  );
  return row as unknown as Kept;
}
const noted = (id: string) =>
  asSuperuser("SELECT org_id, kind, outcome, applied FROM control.payment_events WHERE id = $1", [id]);

describe("an event of Stripe's", () => {
  it("puts the organisation on what was paid for, on record in its own log, intent first, and the hub is told", async () => {
    const subscription = pays("school");
    const { requestId } = await deliver(newest());
    expect(await noted(newest().id)).toMatchObject([{ org_id: org.id, outcome: "applied", applied: true }]);
    expect(await kept()).toMatchObject({
      plan: "school",
      provider: "stripe",
      subscription: subscription.id,
      owed: null,
    });
    const events = studio.audit.of(requestId);
    expect(events.every(({ log }) => log === org.id)).toBe(true);
    expect(events.map(({ phase, event }) => [phase, event.type])).toEqual([
      ["intent", "api_call"],
      ["outcome", "api_call"],
      ["event", "org_change"],
    ]);
    expect(events.at(-1)?.event).toMatchObject({ action: "plan_changed", detail: "school", user_id: null });
    const receipt = "SELECT org_id FROM control.operation_receipts WHERE request_id = $1";
    expect(await asSuperuser(receipt, [requestId])).toEqual([{ org_id: org.id }]);
    expect(studio.standIns.calls.some(({ method, args }) => method === "setStanding" && args.includes(org.id))).toBe(
      true,
    );
  });

  it("changes nothing when it comes again, and is refused when it is shown five minutes later", async () => {
    const subscription = pays("school");
    const event = newest();
    await received(event);
    // Stripe has moved on, and this event says nothing new.
    peer.ledger.cancelAtPeriodEnd(subscription, true);
    const { requestId, status } = await deliver(event);
    expect([status, await kept()]).toEqual([200, expect.objectContaining({ plan: "school", ends: null })]);
    expect(studio.audit.of(requestId).some(({ event: { type } }) => type === "org_change")).toBe(false);
    const late = await deliver(event, undefined, Date.now() - 301_000);
    expect([late.status, late.body.code]).toEqual([400, "malformed_request"]);
  });

  it("that is forged leaves nothing, and asks Stripe nothing", async () => {
    pays("district");
    const event = newest();
    const [calls, before] = [peer.calls.length, await kept()];
    const forged = [
      await deliver(event, ["whsec_of_somebody_else_012345"]),
      await deliver({ ...event, body: `${event.body} ` }, []),
      await deliver({ ...event, body: "{}" }, []),
      await studio.send("POST", path, { rawBody: event.body, headers: { "Content-Type": "application/json" } }),
      await studio.send("POST", path, { headers: { "Content-Type": "application/json" } }),
    ];
    for (const { status, body, requestId } of forged) {
      expect([status, body.code]).toEqual([400, "malformed_request"]);
      expect(studio.audit.of(requestId)).toEqual([]);
    }
    expect([peer.calls.length, await kept(), await noted(event.id)]).toEqual([calls, before, []]);
  });

  it("of a kind that tells nothing is answered and noted, in no organisation's log", async () => {
    const event = peer.ledger.emit("charge.succeeded", { object: "charge", customer: "cus_1" });
    const { status, requestId } = await deliver(event);
    expect([status, await noted(event.id), studio.audit.of(requestId)]).toEqual([
      200,
      [{ org_id: null, kind: "charge.succeeded", outcome: "ignored", applied: false }],
      [],
    ]);
  });

  it("of an organisation that is not here begins no log of it", async () => {
    org = { ...org, id: `${org.id.slice(0, -4)}zzzz` };
    pays("school");
    const { status, requestId } = await deliver(newest());
    expect([status, studio.audit.of(requestId)]).toEqual([200, []]);
    expect(await noted(newest().id)).toEqual([
      expect.objectContaining({ org_id: null, outcome: "ignored", applied: false }),
    ]);
  });

  it("waits at Stripe while Stripe can't be asked or the log can't be written, and loses nothing", async () => {
    pays("school");
    peer.faults = [{ status: 429 }];
    const away = await deliver(newest());
    expect([away.status, away.headers.get("Retry-After"), await noted(newest().id)]).toEqual([503, "60", []]);
    studio.audit.down.intent = true;
    const unlogged = await deliver(newest()).finally(() => {
      studio.audit.down.intent = false;
    });
    expect([unlogged.status, await kept()]).toEqual([503, expect.objectContaining({ plan: "free" })]);
    await received(newest());
    expect(await kept()).toMatchObject({ plan: "school" });
  });

  it("says since when something is owed, and that it is paid", async () => {
    const subscription = pays("school");
    peer.ledger.renew(subscription, false);
    await received(newest());
    expect(await kept()).toMatchObject({ plan: "school", owed: subscription.periodStart });
    peer.ledger.settle(subscription);
    await received(newest());
    expect(await kept()).toMatchObject({ plan: "school", owed: null });
  });

  it("of an end ends what Stripe gave, and not what the operator has given since", async () => {
    const subscription = pays("school");
    await received(newest());
    peer.ledger.cancel(subscription);
    await received(newest());
    expect(await kept()).toMatchObject({ plan: "free", provider: "invoice", subscription: null });
    const given = { token: operatorToken, body: { plan: "district" } };
    expect((await studio.send("POST", `/api/v1/operator/orgs/${org.slug}/plan`, given)).status).toBe(200);
    peer.ledger.emit("invoice.paid", { object: "invoice", customer: subscription.customer });
    await received(newest());
    expect(await kept()).toMatchObject({ plan: "district", provider: "invoice" });
  });
});

describe("an answer of Stripe's that arrives behind a later one", () => {
  /** Delivers an event whose answer Stripe gives now and which arrives when `arrive` is called. */
  async function heldBack(event: StripeEvent): Promise<() => Promise<void>> {
    const answer = stripe.holdNextAnswer();
    const delivery = deliver(event);
    await answer.given;
    return async () => {
      answer.arrives();
      expect((await delivery).status).toBe(200);
    };
  }

  it("replaces nothing: a plan that was changed since stays", async () => {
    const subscription = pays("school");
    await received(newest());
    peer.ledger.cancelAtPeriodEnd(subscription, true);
    const overtaken = newest();
    const arrive = await heldBack(overtaken);
    peer.ledger.change(subscription, "price_district");
    peer.ledger.cancelAtPeriodEnd(subscription, false);
    await received(newest());
    await arrive();
    expect(await noted(overtaken.id)).toMatchObject([{ outcome: "overtaken", applied: false }]);
    expect(await noted(newest().id)).toMatchObject([{ outcome: "applied", applied: true }]);
    // What was noted once stays so: it comes again, and it is no news.
    await received(overtaken);
    expect(await noted(overtaken.id)).toMatchObject([{ outcome: "overtaken", applied: false }]);
    expect(await kept()).toMatchObject({ plan: "district", ends: null });
  });

  it("gives nobody a plan back that has ended since", async () => {
    const subscription = pays("school");
    await received(newest());
    peer.ledger.renew(subscription, true);
    const arrive = await heldBack(newest());
    peer.ledger.cancel(subscription);
    await received(newest());
    await arrive();
    expect(await kept()).toMatchObject({ plan: "free", provider: "invoice", subscription: null });
  });

  it("gives nobody a plan that had ended before anything was known of it", async () => {
    const subscription = pays("school");
    const overtaken = newest();
    const arrive = await heldBack(overtaken);
    peer.ledger.cancel(subscription);
    await received(newest());
    // It ends what never began here, and what it overtakes begins nothing.
    expect(await noted(newest().id)).toMatchObject([{ outcome: "ignored", applied: false }]);
    await arrive();
    expect(await noted(overtaken.id)).toMatchObject([{ outcome: "overtaken", applied: false }]);
    expect(await kept()).toMatchObject({ plan: "free", provider: "invoice", subscription: null });
  });

  it("gives nobody such a plan either who has said before to whom invoices go, and leaves what they said", async () => {
    const subscription = pays("school");
    await asSuperuser("INSERT INTO control.subscriptions (org_id, currency) VALUES ($1, 'USD')", [org.id]);
    const arrive = await heldBack(newest());
    peer.ledger.cancel(subscription);
    await received(newest());
    await arrive();
    expect(await kept()).toMatchObject({ plan: "free", provider: "invoice", subscription: null });
    expect(await asSuperuser("SELECT currency FROM control.subscriptions WHERE org_id = $1", [org.id])).toEqual([
      { currency: "USD" },
    ]);
  });
});

/** What becomes of a subscription, by the numbers of a history. */
const deeds: readonly ((subscription: Subscription) => void)[] = [
  (one) => peer.ledger.renew(one, true),
  (one) => peer.ledger.renew(one, false),
  (one) => peer.ledger.settle(one),
  (one) => peer.ledger.exhaust(one),
  (one) => peer.ledger.change(one, "price_district"),
  (one) => peer.ledger.change(one, "price_school"),
  (one) => peer.ledger.cancelAtPeriodEnd(one, true),
  (one) => peer.ledger.cancelAtPeriodEnd(one, false),
  (one) => peer.ledger.cancel(one),
];

/** What the ledger itself says at the end, by rules that are written here once more. */
function truthOf(subscription: Subscription): Omit<Kept, "provider"> {
  const { id, status, price, cancelAtPeriodEnd, periodEnd } = subscription;
  if (status === "canceled") return { plan: "free", subscription: null, owed: null, ends: null };
  const open = peer.ledger.invoices.filter((one) => one.subscription === id && one.status === "open");
  const since = open.length > 0 ? Math.min(...open.map(({ created }) => created)) : subscription.periodStart;
  return {
    plan: price.replace("price_", ""),
    subscription: id,
    owed: status === "active" ? null : since,
    ends: cancelAtPeriodEnd ? periodEnd : null,
  };
}

describe("a history of events", () => {
  it("ends in the same state in any order, with any of them twice, while it goes on", async () => {
    const history = fc.array(fc.nat(deeds.length - 1), { minLength: 1, maxLength: 6 });
    const order = fc.infiniteStream(fc.nat(1_000_000));
    await fc.assert(
      fc.asyncProperty(history, order, async (numbers, random) => {
        org = await studio.newOrg();
        const next = (below: number): number => (random.next().value as number) % below;
        const from = peer.ledger.events.length;
        let subscription = pays("school");
        const under: Promise<Sent>[] = [];
        for (const number of numbers) {
          if (subscription.status === "canceled") subscription = pays("school", subscription.customer);
          else deeds[number]?.(subscription);
          const happened = peer.ledger.events.slice(from);
          // Some arrive while the next things happen, and whoever handles them has asked before or after.
          if (next(2) === 0) under.push(deliver(happened[next(happened.length)] as StripeEvent));
          if (next(3) === 0) await Promise.all(under);
        }
        await Promise.all(under);
        const rest = peer.ledger.events.slice(from).flatMap((event) => (next(3) === 0 ? [event, event] : [event]));
        while (rest.length > 0) {
          const together = rest.splice(next(rest.length), 1 + next(2));
          for (const { status } of await Promise.all(together.map((event) => deliver(event)))) expect(status).toBe(200);
        }
        expect(await kept()).toMatchObject(truthOf(subscription));
      }),
      { numRuns: 8 },
    );
  }, 600_000);
});
