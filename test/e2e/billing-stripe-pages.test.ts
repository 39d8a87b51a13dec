import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { paymentEventRoutes } from "../../core/routes/payment-events.ts";
import { repositoryRoot } from "../../scripts/units.ts";
import { type StripePeer, startStripe } from "../support/stripe/server.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

// Paying by card on the dashboard: away to Stripe's page and back, on the whole stack with a Stripe beside it.

const pictures = join(repositoryRoot, "test-results", "screenshots");
const stateDir = freshStateDir();
const complaints = new Complaints();
const key = "sk_test_0123456789abcdef";
const secret = "whsec_present0123456789";
const settings = {
  STRIPE_SECRET_KEY: key,
  STRIPE_WEBHOOK_SECRETS: secret,
  STRIPE_PRICES: "school:INR=price_school, district:INR=price_district",
};
let peer: StripePeer;
let stack: StackProcess;
let browser: Browser;
let page: Page;

const shoot = (name: string): Promise<unknown> =>
  page.screenshot({ path: join(pictures, `billing-stripe-${name}.png`), fullPage: true });
const region = (name: string) => page.getByRole("region", { name, exact: true });
const planIs = (name: string) =>
  region("Plan").getByRole("listitem").filter({ hasText: name }).getByText("Your plan").waitFor();
const heard = () => expect.poll(() => peer.pending(), { timeout: 60_000 }).toBe(0);
const chooseSchool = async (): Promise<void> => {
  await page.getByRole("button", { name: "Change to School" }).click();
  await page.getByRole("dialog").getByText("Your card is shown to Stripe alone.").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Pay with Stripe" }).click();
  await page.getByRole("heading", { name: "Pay", exact: true }).waitFor();
};

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  const prices = new Map([
    ["price_school", 499_900],
    ["price_district", 2_499_900],
  ]);
  peer = await startStripe({ key, apiVersion: Stripe.API_VERSION, prices });
  Object.assign(process.env, settings, { LOOPBACK_STRIPE: peer.origin });
  const flags = ["--quiet", "--no-agent", "--limit-scale", "1000"];
  [browser, stack] = await Promise.all([launchBrowser(), startStackProcess(stateDir, flags)]);
  peer.endpoint = { url: `${stack.description.url}${paymentEventRoutes.takePaymentEvent.path}`, secrets: [secret] };
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(60_000);
  // Stripe's page here has no icon.
  complaints.watch(page, /^Failed to load resource: the server responded with a status of 404 /);
  await page.goto(`${stack.description.url}/o/demo/billing`);
  const { email, password } = stack.description.owner;
  await signInByPassword(page, email, password);
  await page.getByRole("heading", { name: "Billing", exact: true }).waitFor();
}, 300_000);
afterAll(async () => {
  for (const name of [...Object.keys(settings), "LOOPBACK_STRIPE"]) delete process.env[name];
  await browser?.close();
  await stack?.discard();
  await peer?.stop();
  removeStateDir(stateDir);
});

describe("paying by card in Chromium, on the real stack", { timeout: 240_000 }, () => {
  it("that is given up comes back and says that nothing was paid", async () => {
    await planIs("Free");
    await chooseSchool();
    await page.getByRole("link", { name: "Back" }).click();
    await page.getByText("Nothing was paid. The plan stays Free.").waitFor();
    await shoot("cancelled");
    await page.getByRole("button", { name: "Close" }).click();
    expect(new URL(page.url()).search).toBe("");
  });

  it("is no payment because an address says so", async () => {
    await page.goto(`${stack.description.url}/o/demo/billing?checkout=paid`);
    await page.getByText("Waiting for Stripe to say that it is paid.").waitFor();
    await planIs("Free");
    await shoot("waiting");
  });

  it("changes the plan on the page once Stripe says that it is paid", async () => {
    await chooseSchool();
    // What Stripe tells comes later than the browser does.
    const { endpoint } = peer;
    peer.endpoint = null;
    await page.getByRole("button", { name: "Subscribe" }).click();
    await page.getByText("Waiting for Stripe to say that it is paid.").waitFor();
    if (endpoint === null) throw new Error("the peer has nobody to tell");
    for (const event of peer.ledger.events) expect(await peer.deliver(endpoint, event)).toBe(200);
    peer.endpoint = endpoint;
    await page.getByText("Paid at Stripe: the plan is School.").waitFor();
    await planIs("School");
    await shoot("paid");
  });

  it("that fails later shows since when, and what happens then; paid at Stripe's own page it is over", async () => {
    const [subscription] = peer.ledger.subscriptions.values();
    if (subscription === undefined) throw new Error("there is no subscription");
    subscription.periodEnd = Math.floor(Date.now() / 1000) - 60;
    peer.ledger.renew(subscription, false);
    await heard();
    await page.goto(`${stack.description.url}/o/demo/billing`);
    await region("Standing").getByText("Payment is past due").waitFor();
    await region("Standing").getByText("The last payment failed").waitFor();
    await shoot("past-due");
    await page.getByRole("button", { name: "Cards and receipts at Stripe" }).click();
    await page.getByRole("button", { name: "Pay what is owed" }).click();
    await heard();
    await page.getByRole("link", { name: "Return" }).click();
    await region("Standing").getByText("Nothing is overdue").waitFor();
  });

  it("is ended at Stripe, whose word takes the plan away and no other", async () => {
    await page.getByRole("button", { name: "Change to Free" }).click();
    await page.getByRole("dialog").getByText("Nothing is deleted.").waitFor();
    await shoot("end");
    await page.getByRole("dialog").getByRole("button", { name: "End it at Stripe" }).click();
    await page.getByRole("button", { name: "Cancel now" }).click();
    await heard();
    await page.getByRole("link", { name: "Return" }).click();
    await planIs("Free");
    // Whoever pays again goes to the page where one pays.
    await chooseSchool();
    expect(complaints.all).toEqual([]);
  });
});
