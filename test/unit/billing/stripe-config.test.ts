import { describe, expect, it } from "vitest";
import { parseStripeConfig, priceOf, type StripeEnv } from "../../../workers/capabilities/billing/stripe/config.ts";

const whole: StripeEnv = {
  STRIPE_SECRET_KEY: "sk_test_0123456789abcdef",
  STRIPE_WEBHOOK_SECRETS: "whsec_0123456789abcdef",
  STRIPE_PRICES: "school:INR=price_1, school:USD=price_2, district:INR=price_3, school:INR=price_0",
};

/** The error's message, so that a test can say what must not be in it. */
function failure(env: StripeEnv): string {
  try {
    parseStripeConfig(env);
  } catch (error) {
    return String(error);
  }
  return "none";
}

describe("the configuration of Stripe", () => {
  it("is absent as a whole, and then the offline provider rules", () => {
    expect(parseStripeConfig({})).toBeNull();
    expect(parseStripeConfig({ STRIPE_SECRET_KEY: "", STRIPE_WEBHOOK_SECRETS: " ", STRIPE_PRICES: "" })).toBeNull();
  });

  it("is half a configuration's error, and the error shows none of it", () => {
    for (const [name, value] of Object.entries(whole)) {
      const env = { ...whole, [name]: "" };
      expect(failure(env), name).toContain(name);
      expect(failure({ ...whole, [name]: `${value} x` }), name).not.toContain(value);
    }
  });

  it("takes a secret or a restricted key and none that is meant for pages", () => {
    expect(parseStripeConfig({ ...whole, STRIPE_SECRET_KEY: "rk_live_0123456789abcdef" })?.livemode).toBe(true);
    for (const key of ["pk_test_0123456789abcdef", "sk_test_", "whsec_0123456789abcdef", "sk_prod_0123456789abcdef"])
      expect(failure({ ...whole, STRIPE_SECRET_KEY: key }), key).toContain("STRIPE_SECRET_KEY");
  });

  it("has two signing secrets at most, and not the same one twice", () => {
    const one = whole.STRIPE_WEBHOOK_SECRETS ?? "";
    const two = `${one}, whsec_fedcba9876543210`;
    expect(parseStripeConfig({ ...whole, STRIPE_WEBHOOK_SECRETS: two })?.webhookSecrets).toEqual(two.split(", "));
    for (const secrets of [`${two},whsec_aaaaaaaaaaaaaaaa`, `${one},${one}`, "whsec_short", "a secret of another kind"])
      expect(failure({ ...whole, STRIPE_WEBHOOK_SECRETS: secrets }), secrets).toContain("STRIPE_WEBHOOK_SECRETS");
  });

  it("sells a plan at its first price and knows the ones that it was sold at", () => {
    const config = parseStripeConfig(whole);
    if (config === null) throw new Error("it is whole");
    expect(priceOf(config, "school", "INR")).toBe("price_1");
    expect(priceOf(config, "district", "USD")).toBeNull();
    expect(config.prices.get("price_0")).toEqual({ plan: "school", currency: "INR" });
    for (const prices of [
      "free:INR=price_1",
      "school=price_1",
      "school:EUR=price_1",
      "school:INR=prod_1",
      "school:INR=price_1,district:INR=price_1",
    ])
      expect(failure({ ...whole, STRIPE_PRICES: prices }), prices).toContain("STRIPE_PRICES");
  });

  it("never takes a key that moves real money to another address than Stripe's", () => {
    expect(parseStripeConfig(whole)?.origin.href).toBe("https://api.stripe.com/");
    const here = { ...whole, LOOPBACK_STRIPE: "http://127.0.0.1:9000" };
    expect(parseStripeConfig(here)?.origin.href).toBe("http://127.0.0.1:9000/");
    expect(failure({ ...here, STRIPE_SECRET_KEY: "sk_live_0123456789abcdef" })).toContain("LOOPBACK_STRIPE");
    for (const origin of ["https://evil.test", "http://127.0.0.1:9000,http://127.0.0.1:9001", "http://10.0.0.1:80"])
      expect(failure({ ...whole, LOOPBACK_STRIPE: origin }), origin).toContain("LOOPBACK_STRIPE");
  });
});
