/** Billing against those who would rather not pay, and against what goes wrong at the worst moment. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { restrictedAfterDays, untoldDaysMax } from "../../../core/billing/standing.ts";
import { applyPaymentEvent, type KeptState } from "../../../store/control/billing/payment-events.ts";
import { keepCustomer } from "../../../store/control/billing/subscription.ts";
import { isFullOfMembers } from "../../../store/control/quotas.ts";
import { runBillingUpkeep } from "../../../workers/studio/billing/upkeep.ts";
import type { Services } from "../../../workers/studio/services.ts";
import { Unavailable } from "../../../workers/studio/unavailable.ts";
import { scopeOf } from "../../support/scopes.ts";
import { asSuperuser, newRequestId } from "../support.ts";
import { createHarness, type Harness, operatorToken } from "./harness.ts";

const day = 86_400_000;
const seller = { name: "Seller", address: "1 Road", gstin: "27AAPFU0939F1ZV", state: "27", bank: "Bank, account 1" };
type Org = Awaited<ReturnType<Harness["newOrg"]>>;

let studio: Harness;
let services: Services;
/** Addresses whose mails nobody takes. */
let dead: Set<string>;
beforeEach(async () => {
  dead = new Set();
  studio = await createHarness((made) => {
    services = {
      ...made,
      seller,
      sendMail: async (message) => {
        if (dead.has(message.to)) throw new Unavailable("mail");
        await made.sendMail(message);
      },
    };
    return services;
  });
});
afterEach(async () => {
  await asSuperuser("DROP TRIGGER IF EXISTS stuck ON control.invoices");
});

const upkeep = () => runBillingUpkeep(services);
const onPlan = (org: Org, plan: string, since: string) =>
  asSuperuser("INSERT INTO control.plan_periods (org_id, from_at, plan, provider) VALUES ($1, $2, $3, 'invoice')", [
    org.id,
    since,
    plan,
  ]);
const invoicesOf = (org: Org) =>
  asSuperuser("SELECT id, number, due_at, issued_at FROM control.invoices WHERE org_id = $1 ORDER BY period", [org.id]);
const overdueMails = (to: string) => studio.mails.filter((mail) => mail.to === to && mail.subject.includes("overdue"));
const said = (org: Org) =>
  studio.audit.events.flatMap(({ event, log }) =>
    event.type === "org_change" && log === org.id ? [`${event.action} ${event.detail ?? ""}`.trim()] : [],
  );
const paid = (invoice: unknown) =>
  studio.send("POST", "/api/v1/operator/invoices/paid", {
    token: operatorToken,
    body: { invoice, reference: "UTR1" },
  });
const isShut = (org: Org) => isFullOfMembers(services.database, scopeOf(org.id), 1);
/** Runs the clock each day from one instant to another. */
async function daily(fromMs: number, days: number): Promise<void> {
  for (let after = 0; after <= days; after += 1) {
    studio.clock.nowMs = fromMs + after * day;
    await upkeep();
  }
}

describe("an owner whose address takes no mail", () => {
  it("keeps nobody from being told, once and not every hour, and the debt from restricting", async () => {
    const org = await studio.newOrg();
    const other = await studio.newMember(org, "owner");
    dead.add(org.owner.email);
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    studio.clock.nowMs = Date.parse("2026-02-01T00:00:01Z");
    await upkeep();
    await upkeep();
    expect(studio.mails.filter(({ to, subject }) => to === other.email && subject.startsWith("Invoice"))).toHaveLength(
      1,
    );
    const [invoice] = await invoicesOf(org);
    await daily(Number(invoice?.["due_at"]), 31);
    expect(overdueMails(other.email)).toHaveLength(6);
    expect([said(org).at(-1), await isShut(org)]).toEqual(["payment_standing_changed restricted", true]);
  });

  it("is not told where it is the only one, and a mail that comes late restricts no earlier", async () => {
    const org = await studio.newOrg();
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    studio.clock.nowMs = Date.parse("2026-02-01T00:00:01Z");
    await upkeep();
    const [invoice] = await invoicesOf(org);
    dead.add(org.owner.email);
    await daily(Number(invoice?.["due_at"]), 31);
    expect(await isShut(org)).toBe(false);
    // The log is not filled with what was not told.
    expect(said(org).filter((entry) => entry.startsWith("payment"))).toEqual([]);
    dead.clear();
    await upkeep();
    expect(await isShut(org)).toBe(true);
  });

  it("is restricted all the same two weeks later: nobody owes for ever by an address that takes no mail", async () => {
    const org = await studio.newOrg();
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    studio.clock.nowMs = Date.parse("2026-02-01T00:00:01Z");
    await upkeep();
    const [invoice] = await invoicesOf(org);
    dead.add(org.owner.email);
    await daily(Number(invoice?.["due_at"]), restrictedAfterDays + untoldDaysMax - 1);
    expect(await isShut(org)).toBe(false);
    studio.clock.nowMs += day;
    await upkeep();
    await upkeep();
    expect(await isShut(org)).toBe(true);
    expect(said(org).filter((entry) => entry.startsWith("payment"))).toEqual(["payment_standing_changed restricted"]);
  });
});

describe("an invoice that can't be mailed", () => {
  it("is tried until it is due, then put on record without its mail, once", async () => {
    const org = await studio.newOrg();
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    dead.add(org.owner.email);
    studio.clock.nowMs = Date.parse("2026-02-01T00:00:01Z");
    await upkeep();
    studio.clock.nowMs += 14 * day;
    await upkeep();
    const issued = () => said(org).filter((entry) => entry.startsWith("invoice_issued"));
    expect(issued()).toEqual([]);
    studio.clock.nowMs += day;
    await upkeep();
    await upkeep();
    expect(issued()).toHaveLength(1);
  });
});

describe("who pays what they were restricted for", () => {
  it("is let in at that moment, though the next invoice is there and only just due", async () => {
    const org = await studio.newOrg();
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    studio.clock.nowMs = Date.parse("2026-02-01T00:00:01Z");
    await upkeep();
    const [first] = await invoicesOf(org);
    await daily(Number(first?.["due_at"]), 30);
    expect([(await invoicesOf(org)).length, await isShut(org)]).toEqual([2, true]);
    await paid(first?.["id"]);
    expect(await isShut(org)).toBe(false);
    await upkeep();
    expect(await isShut(org)).toBe(false);
    // The second one restricts in its own time, with mails of its own.
    const [, second] = await invoicesOf(org);
    await daily(Number(second?.["due_at"]), 30);
    expect(await isShut(org)).toBe(true);
  });
});

describe("a debt that began between two milliseconds", () => {
  it("restricts all the same", async () => {
    const org = await studio.newOrg();
    await asSuperuser(
      "INSERT INTO control.subscriptions (org_id, provider_owed_since) VALUES ($1, date_trunc('milliseconds', now()) - interval '40 days' + interval '7 microseconds')",
      [org.id],
    );
    await upkeep();
    expect(await isShut(org)).toBe(true);
  });
});

describe("an invoice that can't be made", () => {
  it("keeps nobody else's waiting", async () => {
    const [one, two] = [await studio.newOrg(), await studio.newOrg()];
    // In the order in which they are due.
    const [broken, fine] = one.id < two.id ? [one, two] : [two, one];
    for (const org of [broken, fine]) await onPlan(org, "school", "2026-01-01T00:00:00Z");
    await asSuperuser(`CREATE OR REPLACE FUNCTION public.stuck() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'stuck'; END $$`);
    await asSuperuser(
      `CREATE TRIGGER stuck BEFORE INSERT ON control.invoices FOR EACH ROW WHEN (NEW.org_id = '${broken.id}') EXECUTE FUNCTION public.stuck()`,
    );
    studio.clock.nowMs = Date.parse("2026-02-01T00:00:01Z");
    await upkeep();
    expect([(await invoicesOf(broken)).length, (await invoicesOf(fine)).length]).toEqual([0, 1]);
  });
});

describe("the financial year's change", () => {
  it("is India's: what is issued from 18:30 UTC on of 31 March has the next year's number", async () => {
    const [one, two] = [await studio.newOrg(), await studio.newOrg()];
    for (const org of [one, two]) await onPlan(org, "school", "2026-02-01T00:00:00Z");
    await asSuperuser("DELETE FROM control.plan_periods WHERE org_id = $1", [two.id]);
    studio.clock.nowMs = Date.parse("2026-03-31T18:29:59.999Z");
    await upkeep();
    await onPlan(two, "school", "2026-02-01T00:00:00Z");
    studio.clock.nowMs += 1;
    await upkeep();
    expect((await invoicesOf(one))[0]?.["number"]).toMatch(/^S2526\//);
    expect((await invoicesOf(two))[0]?.["number"]).toMatch(/^S2627\//);
    // … and the mail names the day that it is there.
    const mail = studio.mails.findLast(({ to, subject }) => to === two.owner.email && subject.startsWith("Invoice"));
    expect(mail?.text).toContain("due on 2026-04-16");
  });
});

describe("an invoice of an organisation that is gone", () => {
  it("is paid without beginning its log anew", async () => {
    const org = await studio.newOrg();
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    studio.clock.nowMs = Date.parse("2026-02-01T00:00:01Z");
    await upkeep();
    const [invoice] = await invoicesOf(org);
    studio.clock.nowMs = Date.now();
    await asSuperuser("DELETE FROM control.organisations WHERE id = $1", [org.id]);
    const before = said(org).length;
    const answered = await paid(invoice?.["id"]);
    expect([answered.status, said(org).length]).toEqual([200, before]);
    expect(answered.body.paid_at).toEqual(expect.any(String));
    const inPlatform = await studio.audit.of(answered.requestId);
    expect(inPlatform.map(({ event }) => ("action" in event ? event.action : null))).toContain("invoice_paid");
  });

  it("is not told while it is being deleted, and is when that is taken back", async () => {
    const org = await studio.newOrg();
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    studio.clock.nowMs = Date.parse("2026-02-01T00:00:01Z");
    dead.add(org.owner.email);
    await upkeep();
    dead.clear();
    const before = said(org).length;
    await asSuperuser("UPDATE control.organisations SET status = 'deleting' WHERE id = $1", [org.id]);
    await upkeep();
    expect(said(org)).toHaveLength(before);
    await asSuperuser("UPDATE control.organisations SET status = 'active' WHERE id = $1", [org.id]);
    await upkeep();
    expect(said(org)).toHaveLength(before + 1);
  });
});

describe("what Stripe was paid for", () => {
  const state: KeptState = {
    customer: "cus_1",
    subscription: "sub_1",
    plan: "school",
    currency: "INR",
    owedSinceMs: null,
    endsAtMs: null,
    asOfMs: 1_000,
  };

  it("is invoiced on no day, neither where it begins nor where it ends, from free and back to free", async () => {
    const org = await studio.newOrg();
    const { id: at } = org;
    const applied = (event: string, more: Partial<KeptState>) =>
      applyPaymentEvent(
        services.database,
        { requestId: newRequestId(), nowMs: Date.now() },
        { provider: "stripe", id: `${event}_${at}`, kind: "x", occurredAtMs: 1 },
        { scope: scopeOf(at), state: { ...state, ...more } },
      );
    // Who went away to pay has a row already.
    await keepCustomer(services.database, { requestId: newRequestId(), nowMs: Date.now() }, scopeOf(at), "cus_1");
    await applied("evt_1", { asOfMs: 1 });
    await applied("evt_2", { asOfMs: 2, plan: "district" });
    await applied("evt_3", { asOfMs: 3, plan: "free", subscription: null });
    const periods = await asSuperuser(
      "SELECT plan, provider FROM control.plan_periods WHERE org_id = $1 ORDER BY from_at",
      [at],
    );
    expect(periods.filter(({ plan, provider }) => plan !== "free" && provider === "invoice")).toEqual([]);
    expect(periods.map(({ plan }) => plan)).toEqual(expect.arrayContaining(["school", "district", "free"]));
    studio.clock.nowMs = Date.now() + 40 * day;
    await upkeep();
    expect(await invoicesOf(org)).toEqual([]);
  });
});
