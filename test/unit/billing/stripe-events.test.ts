import Stripe from "stripe";
import { describe, expect, it } from "vitest";
import type { StripeConfig } from "../../../workers/capabilities/billing/stripe/config.ts";
import { toleranceSeconds, verifyEvent } from "../../../workers/capabilities/billing/stripe/verify-event.ts";
import { Ledger } from "../../support/stripe/ledger.ts";
import { signatureOf } from "../../support/stripe/signature.ts";

const present = "whsec_present_no_wait_0123456789";
const previous = "whsec_previous0123456789";
const another = "whsec_another0123456789";
const config: StripeConfig = {
  secretKey: "sk_test_0123456789abcdef",
  webhookSecrets: [present, previous],
  prices: new Map([["price_1", { plan: "school", currency: "INR" }]]),
  livemode: false,
  origin: new URL("https://api.stripe.com"),
};
const nowMs = Date.UTC(2026, 10, 23, 12);
const ledger = new Ledger(new Map([["price_1", 499_900]]), "2026-10-28.endive", () => nowMs);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const object = { id: "sub_1", object: "subscription", customer: "cus_1" };
const event = (type = "customer.subscription.updated", more: object = {}, about: object = object) =>
  ledger.emit(type, about, more);

/** What a delivery of this body comes to, signed now with the present secret unless told. */
const verify = (body: string, header: string | null = signatureOf(body, [present], nowMs), atMs = nowMs) =>
  verifyEvent(config, bytes(body), header, atMs);
const signature = { ok: false, why: "signature" };

describe("an event of Stripe's", () => {
  it("is signed as Stripe's library signs it", async () => {
    const { body } = event();
    const timestamp = Math.floor(nowMs / 1000);
    const theirs = await Stripe.webhooks.generateTestHeaderStringAsync({ payload: body, secret: present, timestamp });
    expect(signatureOf(body, [present], nowMs)).toBe(theirs);
  });

  it("says that something happened to a customer, and what it says of them is not believed", async () => {
    const { id, body } = event();
    const heard = {
      id,
      kind: "customer.subscription.updated",
      createdMs: nowMs,
      customer: "cus_1",
      subscription: "sub_1",
    };
    expect(await verify(body)).toEqual({ ok: true, event: heard });
  });

  it("is taken with either secret of a rotation, and with both at once", async () => {
    const { body } = event();
    for (const secrets of [[present], [previous], [another, previous], [previous, present]])
      expect((await verify(body, signatureOf(body, secrets, nowMs))).ok, secrets.join()).toBe(true);
  });

  it("is refused when it was signed with another secret, or not at all", async () => {
    const { body } = event();
    const t = Math.floor(nowMs / 1000);
    const right = signatureOf(body, [present], nowMs);
    const headers = [
      null,
      "",
      signatureOf(body, [another], nowMs),
      right.replace("v1=", "v0="),
      `t=${t}`,
      `t=${t},v1=`,
      right.replace(/^t=\d+/, `t=${t - 1}`),
      right.replace(/^t=\d+,/, ""),
      right.slice(0, -1),
      `${right},${"v1=0,".repeat(300)}`,
    ];
    for (const header of headers) expect(await verify(body, header), String(header)).toEqual(signature);
  });

  it("is refused when one byte of its body is another", async () => {
    const { body } = event();
    const header = signatureOf(body, [present], nowMs);
    for (const changed of [
      body.replace("sub_1", "sub_2"),
      `${body} `,
      JSON.stringify(JSON.parse(body)),
      `\ufeff${body}`,
      "",
    ])
      expect(await verify(changed, header), changed.slice(0, 40)).toEqual(signature);
  });

  it("is not mended into what was signed: bytes that are no UTF-8 are nothing", async () => {
    const { body } = event("customer.subscription.updated", {}, { ...object, description: "\ufffd" });
    const whole = bytes(body);
    const at = whole.findIndex((byte, index) => byte === 0xef && whole[index + 1] === 0xbf);
    const broken = Uint8Array.from([...whole.slice(0, at), 0xff, ...whole.slice(at + 3)]);
    // A decoder that mends makes of these bytes the very text that was signed.
    expect(new TextDecoder().decode(broken)).toBe(body);
    expect(await verifyEvent(config, broken, signatureOf(body, [present], nowMs), nowMs)).toEqual({
      ok: false,
      why: "malformed",
    });
  });

  it("is too old after five minutes, and from the future when it is five minutes early", async () => {
    const { body } = event();
    const at = (seconds: number) => verify(body, signatureOf(body, [present], nowMs + seconds * 1000));
    expect((await at(-toleranceSeconds)).ok).toBe(true);
    expect((await at(toleranceSeconds)).ok).toBe(true);
    expect(await at(-toleranceSeconds - 1)).toEqual(signature);
    expect(await at(toleranceSeconds + 1)).toEqual({ ok: false, why: "future" });
  });

  it("has one time, whichever of several somebody puts in front", async () => {
    const { body } = event();
    const late = Math.floor(nowMs / 1000) + 86_400;
    const header = signatureOf(body, [present], late * 1000);
    expect((await verify(body, `t=${Math.floor(nowMs / 1000)},${header}`)).ok).toBe(false);
    expect((await verify(body, `${header},t=${Math.floor(nowMs / 1000)}`)).ok).toBe(false);
  });

  it("is another account's, or of another mode, and then it is not ours", async () => {
    expect(await verify(event("customer.subscription.updated", { account: "acct_1" }).body)).toEqual({
      ok: false,
      why: "another_account",
    });
    expect(await verify(event("customer.subscription.updated", { livemode: true }).body)).toEqual({
      ok: false,
      why: "another_mode",
    });
  });

  it("is of a kind that tells nothing here, and is taken for what it is", async () => {
    for (const type of ["customer.created", "charge.succeeded", "v1.something.new"]) {
      const { id, body } = event(type, {}, { object: "whatever" });
      expect(await verify(body)).toEqual({
        ok: true,
        event: { id, kind: type, createdMs: nowMs, customer: null, subscription: null },
      });
    }
  });

  it("is of no shape that we know, though Stripe signed it", async () => {
    const bodies = [
      "null",
      "[]",
      "{}",
      "not json",
      '"text"',
      event("customer.subscription.updated", { id: "../../evt" }).body,
      event("customer.subscription.updated", { object: "v2.core.event" }).body,
      event("customer.subscription.updated", { created: "now" }).body,
      event("customer.subscription.updated", { livemode: "false" }).body,
      event("Customer Subscription").body,
      event("invoice.paid", {}, { object: "invoice", customer: "x".repeat(200) }).body,
      event("invoice.paid", {}, { object: "invoice", customer: { id: "cus_1" } }).body,
      event("invoice.paid", {}, { object: "invoice", customer: "cus_1/../../v1/refunds" }).body,
      event("invoice.paid", { data: null }).body,
    ];
    for (const body of bodies) expect((await verify(body)).ok, body.slice(0, 60)).toBe(false);
  });
});
