import { describe, expect, it } from "vitest";
import { rateLimits } from "../../../core/limits.ts";
import { paymentEventBytesMax } from "../../../core/routes/payment-events.ts";
import { bearer, india, outcome, send, signIn } from "./harness.ts";
import { asked, lastCall } from "./recorders.ts";

const path = "/api/v1/billing/webhook";
const america = { ...india, country: "US" };
const signature = "t=1763899200,v1=0123456789abcdef";
const json = { "Content-Type": "application/json; charset=utf-8" };
const deliver = (body: BodyInit, headers: Record<string, string> = {}, cf: Record<string, unknown> = america) =>
  send(path, { method: "POST", headers: { ...json, "Stripe-Signature": signature, ...headers }, body, cf });

describe("an event of the payment provider", () => {
  it("reaches studio byte for byte, with its signature, whatever a firewall would think of it", async () => {
    // Spaces, escapes and attacks: whoever parses and prints it again has changed it.
    const body = `{ "note":"<script>alert(1)</script> ' OR 1=1 -- ../../etc/passwd",\n\t"é": "\\u00e9", "n": 1.0 }\n`;
    expect((await deliver(body)).status).toBe(200);
    const call = lastCall("STUDIO");
    expect(call.what).toBe(`POST ${path}`);
    expect(call.body).toBe(body);
    expect(call.headers).toMatchObject({
      "stripe-signature": signature,
      "content-type": json["Content-Type"],
      "x-sentinel-route": "takePaymentEvent",
      "x-sentinel-credential": "none",
    });
    expect(call.headers).not.toHaveProperty("authorization");
  });

  it("comes from another country than people may, and nothing else of billing does", async () => {
    for (const country of ["US", "IE", "SG", "T1", "XX"])
      expect((await deliver("{}", {}, { ...india, country })).status, country).toBe(200);
    for (const other of ["/api/v1/auth/login", "/api/v1/billing/stripe/event", "/api/v1/orgs/demo/billing"]) {
      const answer = await send(other, { method: "POST", headers: json, body: "{}", cf: america });
      expect(await outcome(answer), other).toBe("403 geo_denied");
    }
  });

  it("has a signature there alone: on any other route the field goes no further", async () => {
    const { token } = await signIn();
    await send("/api/v1/me", { headers: { ...bearer(token), "Stripe-Signature": signature } });
    expect(lastCall("STUDIO").headers).not.toHaveProperty("stripe-signature");
  });

  it("is JSON of no more than its bound, whatever it announces", async () => {
    const whole = "x".repeat(paymentEventBytesMax);
    expect((await deliver(whole)).status).toBe(200);
    expect(await outcome(await deliver(`${whole}x`))).toBe("413 too_large");
    const endless = new Blob([whole, whole]).stream();
    expect(await outcome(await deliver(endless as unknown as BodyInit))).toBe("413 too_large");
    for (const type of ["text/plain", "application/octet-stream", "application/x-www-form-urlencoded"])
      expect(await outcome(await deliver("{}", { "Content-Type": type }))).toBe("415 unsupported_media_type");
    expect(await outcome(await deliver("{}", { "Content-Encoding": "gzip" }))).toBe("415 unsupported_media_type");
  });

  it("is no page's to send: a cookie beside it is not looked at, and another site's page is refused nowhere else", async () => {
    const { cookie } = await signIn();
    expect((await deliver("{}", { Cookie: cookie, Origin: "https://evil.example" })).status).toBe(200);
    expect(asked().filter((call) => call.startsWith("SESSIONS"))).toEqual([]);
    expect(lastCall("STUDIO").headers).not.toHaveProperty("cookie");
  });

  it("is counted by its address and apart from everything else that comes from there", async () => {
    await deliver("{}", { "CF-Connecting-IP": "198.51.100.9" });
    const counts = asked().filter((call) => call.startsWith("LIMITS"));
    expect(counts).toEqual([`LIMITS address:198.51.100.9 payment_events:${rateLimits.payment_events}`]);
  });
});
