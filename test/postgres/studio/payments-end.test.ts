/** An organisation that is erased while it pays by Stripe: nobody is charged for what is no more. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { runLifecycle } from "../../../workers/studio/lifecycle/run-lifecycle.ts";
import type { Subscription } from "../../support/stripe/ledger.ts";
import { asSuperuser } from "../support.ts";
import { createStripeStudio, type StripeStudio } from "./stripe-studio.ts";

let stripe: StripeStudio;
let org: Awaited<ReturnType<StripeStudio["studio"]["newOrg"]>>;
let subscription: Subscription;
beforeAll(async () => {
  stripe = await createStripeStudio();
});
afterAll(() => stripe?.peer.stop());
afterEach(async () => {
  vi.restoreAllMocks();
  // Nobody else's run finds it due: its schema is never dropped here.
  await asSuperuser("DELETE FROM control.org_deletions WHERE org_id = $1", [org.id]);
});
beforeEach(async () => {
  stripe.peer.faults = [];
  org = await stripe.studio.newOrg();
  subscription = stripe.pays(org, "school");
  expect((await stripe.deliver(stripe.newest())).status).toBe(200);
  await asSuperuser("UPDATE control.organisations SET status = 'deleting' WHERE id = $1", [org.id]);
  await asSuperuser("INSERT INTO control.org_deletions (org_id, delete_after) VALUES ($1, now() - interval '1 day')", [
    org.id,
  ]);
});

const run = () => runLifecycle(stripe.services);
const deletion = async () =>
  (await asSuperuser("SELECT steps_done, finished_at FROM control.org_deletions WHERE org_id = $1", [org.id]))[0];
const stepsDone = async () => (await deletion())?.["steps_done"] as readonly string[];

describe("the subscription of an organisation that is erased", () => {
  it("is ended before schema and rows go, while the grace runs it is not", async () => {
    await asSuperuser("UPDATE control.org_deletions SET delete_after = now() + interval '1 day' WHERE org_id = $1", [
      org.id,
    ]);
    await run();
    expect(subscription.status).toBe("active");
    await asSuperuser("UPDATE control.org_deletions SET delete_after = now() - interval '1 day' WHERE org_id = $1", [
      org.id,
    ]);
    await run();
    expect(subscription.status).toBe("canceled");
    const done = await stepsDone();
    expect(done).toContain("payments");
    expect(done.indexOf("payments")).toBeLessThan(done.indexOf("tenant"));
  });

  it("keeps the erasing waiting while Stripe can't be asked, and says so; the next run ends it", async () => {
    const said = vi.spyOn(console, "error").mockImplementation(() => undefined);
    // Away for longer than the library's own three tries.
    stripe.peer.faults = [{ status: 503 }, { status: 503 }, { status: 503 }];
    await run();
    expect([subscription.status, await stepsDone()]).toEqual(["active", expect.not.arrayContaining(["payments"])]);
    expect(await stepsDone()).not.toContain("tenant");
    const lines = said.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(lines).toContainEqual(
      expect.objectContaining({ step: "eraseDue", part: "payments", cause: expect.stringContaining("not ended") }),
    );
    expect(JSON.stringify(lines)).not.toContain("sk_test");
    await run();
    expect([subscription.status, await stepsDone()]).toEqual(["canceled", expect.arrayContaining(["payments"])]);
  });

  it("tells of its end what is noted and brings nothing back: no plan, no log, nothing at the edge", async () => {
    await run();
    const at = stripe.studio.audit.events.length;
    const told = stripe.studio.standIns.calls.length;
    const news = stripe.newest();
    expect(news.type).toBe("customer.subscription.deleted");
    const { status, requestId } = await stripe.deliver(news);
    expect([status, stripe.studio.audit.of(requestId), stripe.studio.audit.events.length]).toEqual([200, [], at]);
    expect(stripe.studio.kv.has(`org:${org.id}`) || stripe.studio.kv.has(`slug:${org.slug}`)).toBe(false);
    expect(stripe.studio.standIns.calls.slice(told).map(({ method }) => method)).toEqual(["read"]);
    expect(await asSuperuser("SELECT org_id, outcome FROM control.payment_events WHERE id = $1", [news.id])).toEqual([
      { org_id: null, outcome: "ignored" },
    ]);
  });
});

describe("a page to pay at that is open while the organisation is erased", () => {
  it("is closed: nobody pays for what is no more", async () => {
    const unpaid = await stripe.studio.newOrg();
    const body = { plan: "school" };
    const asked = await stripe.studio.send("POST", `/api/v1/orgs/${unpaid.slug}/billing/plan`, {
      token: unpaid.owner.token,
      body,
    });
    expect(asked.body).toMatchObject({ kind: "redirect", url: expect.any(String) });
    const session = [...stripe.peer.ledger.sessions.values()].at(-1);
    expect(session).toMatchObject({ clientReference: unpaid.id, status: "open" });
    await asSuperuser("UPDATE control.organisations SET status = 'deleting' WHERE id = $1", [unpaid.id]);
    await asSuperuser(
      "INSERT INTO control.org_deletions (org_id, delete_after) VALUES ($1, now() - interval '1 day')",
      [unpaid.id],
    );
    await run();
    expect(session?.status).toBe("expired");
    await asSuperuser("DELETE FROM control.org_deletions WHERE org_id = $1", [unpaid.id]);
  });
});

describe("two owners who go away to pay", () => {
  it("are one customer, and the page of the first is closed", async () => {
    const { studio, peer } = stripe;
    const both = await studio.newOrg();
    const other = await studio.newMember(both, "owner");
    const open = async (token: string) => {
      const sent = await studio.send("POST", `/api/v1/orgs/${both.slug}/billing/plan`, {
        token,
        body: { plan: "school" },
      });
      expect(sent.body).toMatchObject({ kind: "redirect" });
      return [...peer.ledger.sessions.values()].at(-1);
    };
    const [first, second] = [await open(both.owner.token), await open(other.token)];
    expect(second?.customer).toBe(first?.customer);
    expect([first?.status, second?.status]).toEqual(["expired", "open"]);
  });
});

describe("a payment for an organisation that is not here", () => {
  it("is taken note of, and said to whoever runs the platform", async () => {
    const gone = await stripe.studio.newOrg();
    await asSuperuser("DELETE FROM control.organisations WHERE id = $1", [gone.id]);
    const paid = stripe.pays(gone, "school");
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    expect((await stripe.deliver(stripe.newest())).status).toBe(200);
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)));
    expect(lines).toEqual([
      expect.objectContaining({ step: "apply", message: `${paid.id} is paid for ${gone.id}, which is not here` }),
    ]);
  });
});
