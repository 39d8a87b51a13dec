/** Plans that are paid for: what the clock meters, invoices and tells, and what an owner and the operator may do. */
import { beforeEach, describe, expect, it } from "vitest";
import { applyPaymentEvent, type KeptState } from "../../../store/control/billing/payment-events.ts";
import { isFullOfMembers } from "../../../store/control/quotas.ts";
import { meter } from "../../../workers/studio/billing/metering.ts";
import { runBillingUpkeep } from "../../../workers/studio/billing/upkeep.ts";
import type { Services } from "../../../workers/studio/services.ts";
import { scopeOf } from "../../support/scopes.ts";
import { asSuperuser, newRequestId } from "../support.ts";
import { createHarness, type Harness, operatorToken } from "./harness.ts";

const day = 86_400_000;
const seller = {
  name: "Sentinel Services",
  address: "1 Road",
  gstin: "27AAPFU0939F1ZV",
  state: "27",
  bank: "Bank, account 1",
};

let studio: Harness;
let services: Services;
beforeEach(async () => {
  studio = await createHarness((made) => {
    services = { ...made, seller };
    return services;
  });
});
type Org = Awaited<ReturnType<Harness["newOrg"]>>;
/** At the time at which people signed in: a clock that was moved for the sake of a month has ended their sessions. */
async function atHome<T>(work: () => Promise<T>): Promise<T> {
  const { nowMs } = studio.clock;
  studio.clock.nowMs = Date.now();
  const done = await work();
  studio.clock.nowMs = nowMs;
  return done;
}
const at = (org: Org, path = "") => `/api/v1/orgs/${org.slug}/billing${path}`;
const billing = (org: Org) => atHome(async () => (await studio.send("GET", at(org), { token: org.owner.token })).body);
const upkeep = () => runBillingUpkeep(services);
const ownMails = (org: Org) => studio.mails.filter(({ to }) => to === org.owner.email).map(({ subject }) => subject);
const said = (org: Org) =>
  studio.audit.events.flatMap(({ event, log }) =>
    event.type === "org_change" && log === org.id ? [`${event.action} ${event.detail ?? ""}`.trim()] : [],
  );
/** As if it had been on the plan since then. */
const onPlan = (org: Org, plan: string, since: string, provider = "invoice") =>
  asSuperuser("INSERT INTO control.plan_periods (org_id, from_at, plan, provider) VALUES ($1, $2, $3, $4)", [
    org.id,
    since,
    plan,
    provider,
  ]);
const invoicesOf = (org: Org) =>
  asSuperuser("SELECT * FROM control.invoices WHERE org_id = $1 ORDER BY period", [org.id]);
/** The first second of a month. */
const toMonth = (month: string): void => {
  studio.clock.nowMs = Date.parse(`${month}-01T00:00:01Z`);
};
const setPlan = (org: Org, plan: string) =>
  studio.send("POST", `/api/v1/operator/orgs/${org.slug}/plan`, { token: operatorToken, body: { plan } });
const paid = (invoice: string, reference = "UTR1") =>
  studio.send("POST", "/api/v1/operator/invoices/paid", { token: operatorToken, body: { invoice, reference } });

describe("a day", () => {
  it("is kept once, with the most that was measured on it", async () => {
    const org = await studio.newOrg();
    studio.clock.nowMs = Date.parse("2026-11-20T08:00:00Z");
    await meter(services, scopeOf(org.id), newRequestId());
    studio.clock.nowMs += 3_600_000;
    await Promise.all([1, 2, 3].map(() => meter(services, scopeOf(org.id), newRequestId())));
    const { days } = await billing(org);
    expect(days).toHaveLength(1);
    expect(days[0]).toMatchObject({ day: "2026-11-20", plan: "free", devices: 3, members: 1, storage_bytes: 4096 });
    expect(days[0]).toMatchObject({ llm_micros: 250_000, measured: true });
    expect(days[0].messages).toEqual(expect.any(Number));
  });

  it("on which the clock was away has the figures before it, and says so", async () => {
    const org = await studio.newOrg();
    studio.clock.nowMs = Date.parse("2026-11-20T08:00:00Z");
    await meter(services, scopeOf(org.id), newRequestId());
    studio.clock.nowMs += 3 * day;
    await meter(services, scopeOf(org.id), newRequestId());
    const { days } = await billing(org);
    expect(days.map((one: { day: string; measured: boolean }) => [one.day, one.measured])).toEqual([
      ["2026-11-23", true],
      ["2026-11-22", false],
      ["2026-11-21", false],
      ["2026-11-20", true],
    ]);
    expect(days[1]).toMatchObject({ devices: 3, messages: null });
  });

  it("is measured without its messages when the hub is away", async () => {
    const org = await studio.newOrg();
    studio.standIns.broken.add("messagesToday");
    await meter(services, scopeOf(org.id), newRequestId());
    expect((await billing(org)).days[0]).toMatchObject({ devices: 3, messages: null, measured: true });
  });
});

describe("a month", () => {
  it("has one invoice, however often and at however many places the clock runs", async () => {
    const org = await studio.newOrg();
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    toMonth("2026-02");
    await Promise.all([upkeep(), upkeep(), upkeep()]);
    await upkeep();
    const [invoice, ...others] = await invoicesOf(org);
    expect(others).toEqual([]);
    // 4,999.00 and 18 % within the seller's state.
    expect(invoice).toMatchObject({
      net_minor: "499900",
      cgst_minor: "44991",
      sgst_minor: "44991",
      total_minor: "589882",
    });
    expect(said(org)).toContain(`invoice_issued ${invoice?.["id"]}`);
    expect(ownMails(org)).toContain(`Invoice ${invoice?.["number"]} from Sentinel`);
  });

  it("that was missed is invoiced later, each by itself, and numbers have no gap", async () => {
    const [one, two] = [await studio.newOrg(), await studio.newOrg()];
    await onPlan(one, "school", "2026-01-16T00:00:00Z");
    await onPlan(two, "district", "2026-02-01T00:00:00Z");
    toMonth("2026-04");
    await Promise.all([upkeep(), upkeep()]);
    expect((await invoicesOf(one)).map(({ net_minor }) => net_minor)).toEqual(["258013", "499900", "499900"]);
    expect(await invoicesOf(two)).toHaveLength(2);
    const numbers = await asSuperuser(
      "SELECT left(number, 5) AS series, count(*)::int AS n, max(right(number, 6)::int) AS last FROM control.invoices WHERE number NOT LIKE 'S2627%' GROUP BY 1",
    );
    for (const { n, last } of numbers) expect(n).toBe(last);
    expect(numbers.length).toBeGreaterThan(0);
  });

  it("is not invoiced by anybody who is not configured, and is due when somebody is", async () => {
    const org = await studio.newOrg();
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    toMonth("2026-02");
    await runBillingUpkeep({ ...services, seller: null });
    expect(await invoicesOf(org)).toEqual([]);
    await upkeep();
    expect(await invoicesOf(org)).toHaveLength(1);
  });

  it("costs what the plan was on its days: each change is noted, whoever makes it", async () => {
    const org = await studio.newOrg();
    await setPlan(org, "school");
    await studio.send("POST", at(org, "/plan"), { token: org.owner.token, body: { plan: "free" } });
    const periods = await asSuperuser("SELECT plan FROM control.plan_periods WHERE org_id = $1 ORDER BY from_at", [
      org.id,
    ]);
    expect(periods.map(({ plan }) => plan)).toEqual(["school", "free"]);
  });
});

describe("an invoice", () => {
  it("is changed by nobody once it was issued, not even by the database's superuser", async () => {
    const org = await studio.newOrg();
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    toMonth("2026-02");
    await upkeep();
    for (const change of [
      "total_minor = 1, net_minor = 1",
      "buyer = '{}'",
      "number = 'S2526/999999'",
      "due_at = due_at + interval '1 day'",
    ])
      await expect(asSuperuser(`UPDATE control.invoices SET ${change} WHERE org_id = $1`, [org.id])).rejects.toThrow(
        "not changed",
      );
    await expect(asSuperuser("DELETE FROM control.invoices WHERE org_id = $1", [org.id])).rejects.toThrow(
      "not changed",
    );
  });

  it("is paid once, by the operator's word", async () => {
    const org = await studio.newOrg();
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    toMonth("2026-02");
    await upkeep();
    const { id } = (await billing(org)).invoices[0];
    const listed = await studio.send("GET", "/api/v1/operator/invoices", { token: operatorToken });
    expect(listed.body.unpaid).toContainEqual(expect.objectContaining({ id, org_id: org.id }));
    const first = await paid(id);
    expect(first.body.paid_at).toEqual(expect.any(String));
    studio.clock.nowMs += day;
    expect((await paid(id, "UTR2")).body.paid_at).toBe(first.body.paid_at);
    expect(said(org).filter((entry) => entry === `invoice_paid ${id}`)).toHaveLength(1);
    await expect(
      asSuperuser("UPDATE control.invoices SET paid_at = NULL, paid_reference = NULL WHERE id = $1", [id]),
    ).rejects.toThrow("not changed");
    expect((await paid(id.replace(/.$/, id.endsWith("0") ? "1" : "0"))).status).toBe(404);
  });

  it("names whom it was issued to, whatever is said later", async () => {
    const org = await studio.newOrg();
    const details = { name: "A school", address: "2 Lane\nBengaluru", gstin: null, state: "29", currency: "INR" };
    const put = (body: object) =>
      atHome(() => studio.send("PUT", at(org, "/details"), { token: org.owner.token, body }));
    expect((await put(details)).status).toBe(204);
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    toMonth("2026-02");
    await upkeep();
    await put({ ...details, name: "Another", state: "27" });
    const found = await billing(org);
    expect(found.details.name).toBe("Another");
    expect(found.invoices[0]).toMatchObject({
      buyer: { name: "A school", state: "29" },
      igst_minor: 89982,
      cgst_minor: 0,
    });
    for (const wrong of [
      { ...details, gstin: "27AAPFU0939F1ZX" },
      { ...details, gstin: "27AAPFU0939F1ZV" },
      { ...details, address: "a\u0007" },
      { ...details, more: 1 },
    ])
      expect((await put(wrong)).status).toBe(422);
  });

  it("is nobody's but the organisation's owners'", async () => {
    const org = await studio.newOrg();
    const other = await studio.newOrg();
    expect((await studio.send("GET", at(org), { token: other.owner.token })).status).toBe(404);
    const admin = await studio.newMember(org, "admin");
    expect((await studio.send("GET", at(org), { token: admin.token })).status).toBe(403);
  });
});

describe("a debt", () => {
  it("is told, restricts after a month what is added, deletes nothing, and is over when it is paid", async () => {
    const org = await studio.newOrg();
    await onPlan(org, "school", "2026-01-01T00:00:00Z");
    toMonth("2026-02");
    await upkeep();
    const { id, due_at } = (await billing(org)).invoices[0];
    for (let after = 0; after <= 31; after += 1) {
      studio.clock.nowMs = Date.parse(due_at) + after * day;
      await upkeep();
    }
    expect(said(org).filter((entry) => entry.startsWith("payment"))).toEqual([
      "payment_standing_changed past_due",
      "payment_standing_changed grace",
      "payment_standing_changed restricted",
    ]);
    expect(ownMails(org).filter((subject) => subject.includes("overdue"))).toHaveLength(6);
    expect((await billing(org)).standing).toBe("restricted");
    const upload = () =>
      atHome(() =>
        studio.send("POST", `/api/v1/orgs/${org.slug}/documents`, {
          token: org.owner.token,
          body: { name: "a.txt", size_bytes: 3 },
        }),
      );
    const enrol = () =>
      studio.send("POST", "/api/v1/enroll", {
        body: { code: `${org.slug}-${"0".repeat(20)}`, name: "pc", platform: "linux" },
      });
    const refusedEnrol = await enrol();
    expect([(await upload()).body.code, await isFullOfMembers(services.database, scopeOf(org.id), 1)]).toEqual([
      "payment_overdue",
      true,
    ]);
    expect(refusedEnrol.body.code).toBe("payment_overdue");
    // What is there goes on.
    const devices = await atHome(() =>
      studio.send("GET", `/api/v1/orgs/${org.slug}/devices`, { token: org.owner.token }),
    );
    expect(devices.status).toBe(200);
    // February's and the later months are still owed after the first is paid.
    for (const { id: each } of await invoicesOf(org)) await paid(String(each));
    expect([(await upload()).status, await isFullOfMembers(services.database, scopeOf(org.id), 1)]).toEqual([
      201,
      false,
    ]);
    await upkeep();
    expect(said(org).at(-1)).toBe("payment_standing_changed active");
    expect(id).toEqual(expect.any(String));
  });
});

describe("a plan", () => {
  const change = (org: Org, plan: string) =>
    studio.send("POST", at(org, "/plan"), { token: org.owner.token, body: { plan } });

  it("that costs more is asked of the operator, who gives it", async () => {
    const org = await studio.newOrg();
    expect((await change(org, "school")).body).toEqual({ kind: "requested", plan: "school", url: null });
    expect(await billing(org)).toMatchObject({ plan: "free", requested: { plan: "school" } });
    const listed = await studio.send("GET", "/api/v1/operator/invoices", { token: operatorToken });
    expect(listed.body.requested).toContainEqual(expect.objectContaining({ org_id: org.id, plan: "school" }));
    await setPlan(org, "school");
    expect(await billing(org)).toMatchObject({ plan: "school", requested: null });
    // Whoever goes down again has not asked anew.
    expect((await change(org, "free")).body).toMatchObject({ kind: "changed", plan: "free" });
    expect(await billing(org)).toMatchObject({ plan: "free", requested: null });
    const later = await studio.send("GET", "/api/v1/operator/invoices", { token: operatorToken });
    expect(later.body.requested).not.toContainEqual(expect.objectContaining({ org_id: org.id }));
    await change(org, "school");
    expect(await billing(org)).toMatchObject({ requested: { plan: "school" } });
  });

  it("that costs less is an owner's word, and takes nothing away", async () => {
    const org = await studio.newOrg();
    await setPlan(org, "district");
    expect((await change(org, "school")).body).toMatchObject({ kind: "changed", plan: "school" });
    expect(said(org).at(-1)).toBe("plan_changed school");
    expect((await change(org, "district")).body.kind).toBe("requested");
  });

  it("that a provider is paid for is ended there, not here", async () => {
    const org = await studio.newOrg();
    await applied(org, "evt_1", { plan: "school" });
    expect((await change(org, "free")).body.code).toBe("conflict");
    expect((await billing(org)).plan).toBe("school");
  });
});

const state: KeptState = {
  customer: "cus_1",
  subscription: "sub_1",
  plan: "school",
  currency: "INR",
  owedSinceMs: null,
  endsAtMs: null,
  asOfMs: 1_000,
};
const applied = (org: Org, id: string, more: Partial<KeptState> = {}) =>
  applyPaymentEvent(
    services.database,
    { requestId: newRequestId(), nowMs: studio.clock.nowMs },
    { provider: "stripe", id: `${id}_${org.id}`, kind: "x", occurredAtMs: 1 },
    { scope: scopeOf(org.id), state: { ...state, ...more } },
  );

describe("a payment event", () => {
  it("is applied once, and an older state not at all", async () => {
    const org = await studio.newOrg();
    expect(await applied(org, "evt_1", { asOfMs: 2_000 })).toMatchObject({ kind: "applied", planChanged: true });
    expect(await applied(org, "evt_1", { asOfMs: 3_000, plan: "district" })).toEqual({ kind: "noted" });
    expect(await applied(org, "evt_2", { asOfMs: 1_999, plan: "free", subscription: null })).toEqual({ kind: "noted" });
    expect(await billing(org)).toMatchObject({ plan: "school", provider: "stripe" });
    expect(await applied(org, "evt_3", { asOfMs: 2_001, plan: "free", subscription: null })).toMatchObject({
      planChanged: true,
    });
    expect(await billing(org)).toMatchObject({ plan: "free", provider: "invoice" });
  });

  it("that is the first of an organisation on a paid plan ends its invoices: nobody pays twice", async () => {
    const org = await studio.newOrg();
    await setPlan(org, "school");
    // It has been so for a while: what is told of now changes who is paid, and no plan.
    await asSuperuser("UPDATE control.plan_periods SET from_at = '2026-01-01T00:00:00Z' WHERE org_id = $1", [org.id]);
    expect(await applied(org, "evt_1")).toMatchObject({ kind: "applied", planChanged: false });
    const periods = await asSuperuser(
      "SELECT plan, provider FROM control.plan_periods WHERE org_id = $1 ORDER BY from_at",
      [org.id],
    );
    expect(periods).toEqual([
      { plan: "school", provider: "invoice" },
      { plan: "school", provider: "stripe" },
    ]);
    // The month in which it paid here until now is the last one; those after are Stripe's.
    await asSuperuser(
      "UPDATE control.plan_periods SET from_at = '2026-02-01T00:00:00Z' WHERE org_id = $1 AND provider = 'stripe'",
      [org.id],
    );
    toMonth("2026-05");
    await upkeep();
    const months = "SELECT to_char(period, 'YYYY-MM') AS month FROM control.invoices WHERE org_id = $1";
    expect(await asSuperuser(months, [org.id])).toEqual([{ month: "2026-01" }]);
  });

  it("by which nobody but us is paid begins no period: who has said to whom invoices go is invoiced as before", async () => {
    const org = await studio.newOrg();
    await setPlan(org, "school");
    await asSuperuser("INSERT INTO control.subscriptions (org_id) VALUES ($1)", [org.id]);
    expect(await asSuperuser("SELECT provider FROM control.plan_periods WHERE org_id = $1", [org.id])).toEqual([
      { provider: "invoice" },
    ]);
  });

  it("of an organisation that is not here is noted and changes nothing", async () => {
    const org = await studio.newOrg();
    const nobody = { ...org, id: org.id.replace(/.$/, org.id.endsWith("0") ? "1" : "0") } as Org;
    expect(await applied(nobody, "evt_9")).toEqual({ kind: "noted" });
  });
});
