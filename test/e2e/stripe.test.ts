import Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Subscription } from "../support/stripe/ledger.ts";
import { type StripePeer, startStripe } from "../support/stripe/server.ts";
import { type Api, signIn } from "./support/api.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

// The whole stack, and a Stripe beside it: what is paid there goes through every unit and changes the plan here.

const stateDir = freshStateDir();
const key = "sk_test_0123456789abcdef";
const secrets = { present: "whsec_present0123456789", previous: "whsec_previous0123456789" };
const settings = {
  STRIPE_SECRET_KEY: key,
  STRIPE_WEBHOOK_SECRETS: `${secrets.present}, ${secrets.previous}`,
  STRIPE_PRICES: "school:INR=price_school, district:INR=price_district",
};
const america = { "MF-CF-Blob": JSON.stringify({ country: "US", tlsVersion: "TLSv1.3" }) };
const path = "/api/v1/billing/webhook";
let peer: StripePeer;
let stack: StackProcess;
let owner: Api;
let endpoint: NonNullable<StripePeer["endpoint"]>;

beforeAll(async () => {
  const prices = new Map([
    ["price_school", 499_900],
    ["price_district", 2_499_900],
  ]);
  peer = await startStripe({ key, apiVersion: Stripe.API_VERSION, prices });
  Object.assign(process.env, settings, { LOOPBACK_STRIPE: peer.origin });
  stack = await startStackProcess(stateDir, ["--quiet", "--no-agent", "--limit-scale", "1000"]);
  const { email, password } = stack.description.owner;
  owner = (await signIn(stack.description.url, email, password)).api;
  // It sends from another country than people may come from.
  endpoint = { url: `${stack.description.url}${path}`, secrets: [secrets.present], headers: america };
});
afterAll(async () => {
  for (const name of [...Object.keys(settings), "LOOPBACK_STRIPE"]) delete process.env[name];
  await stack?.discard();
  await peer?.stop();
  removeStateDir(stateDir);
});

/** The plan as the dashboard shows it; whatever else came when it does not. */
const plan = async (): Promise<unknown> => {
  const { status, body } = await owner.send<{ plan: string }>("GET", "/api/v1/orgs/demo/usage");
  return status === 200 ? body.plan : [status, body];
};
const heard = () => expect.poll(() => peer.pending(), { timeout: 60_000 }).toBe(0);

describe("Stripe, over the whole stack", () => {
  let subscription: Subscription;

  it("tells from America that the plan is paid, and the plan is another", async () => {
    expect(await plan()).toBe("free");
    const org = { org_id: stack.description.org.id };
    const session = peer.ledger.addSession({
      customer: peer.ledger.addCustomer(org),
      price: "price_school",
      clientReference: org.org_id,
      metadata: org,
      subscriptionMetadata: org,
      successUrl: stack.description.url,
      cancelUrl: stack.description.url,
    });
    peer.endpoint = endpoint;
    subscription = peer.ledger.pay(session);
    await heard();
    expect(await plan()).toBe("school");
  });

  it("is heard with the secret before as well, and with none of somebody else's", async () => {
    peer.endpoint = null;
    peer.ledger.change(subscription, "price_district");
    const event = peer.ledger.events.at(-1);
    if (event === undefined) throw new Error("nothing has happened");
    const asked = peer.calls.length;
    expect(await peer.deliver({ ...endpoint, secrets: ["whsec_of_somebody_else0123456789"] }, event)).toBe(400);
    expect(await peer.deliver(endpoint, event, Date.now() - 600_000)).toBe(400);
    expect(await peer.deliver({ ...endpoint, url: endpoint.url.replace("webhook", "webhooks") }, event)).toBe(403);
    expect([await plan(), peer.calls.length]).toEqual(["school", asked]);
    expect(await peer.deliver({ ...endpoint, secrets: [secrets.previous] }, event)).toBe(200);
    expect(await plan()).toBe("district");
    expect(await peer.deliver({ ...endpoint, secrets: [secrets.present] }, event)).toBe(200);
  });

  it("sends again what was not taken, and then it is", async () => {
    peer.endpoint = endpoint;
    // Away for longer than the library's own three tries.
    peer.faults = [{ status: 503 }, { status: 503 }, { status: 503 }, "cut before"];
    peer.ledger.cancel(subscription);
    await heard();
    expect(await plan()).toBe("free");
  });
});
