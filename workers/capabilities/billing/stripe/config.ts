import { type Currency, parseCurrency } from "../../../../core/billing/money.ts";
import { parseLoopbackOrigins } from "../../../../core/outside-address.ts";
import { type Plan, parsePlan } from "../../../../core/tenancy/plan.ts";

/** What the platform hands over of Stripe; unchecked until {@link parseStripeConfig}. */
export interface StripeEnv {
  /** Secret or restricted key of the account. */
  readonly STRIPE_SECRET_KEY?: string;
  /** Signing secrets of the endpoint: the one in use, and after a comma the one before it. */
  readonly STRIPE_WEBHOOK_SECRETS?: string;
  /** What is sold: `school:INR=price_…, district:INR=price_…`; of several prices of a plan the first is sold. */
  readonly STRIPE_PRICES?: string;
  /** An origin on this machine's own loopback that stands for Stripe, for development; empty in production. */
  readonly LOOPBACK_STRIPE?: string;
}

/** What a price is the price of. */
export interface Sold {
  readonly plan: Exclude<Plan, "free">;
  readonly currency: Currency;
}

export interface StripeConfig {
  readonly secretKey: string;
  readonly webhookSecrets: readonly string[];
  /** By Stripe's name, every price that was ever sold; a plan's first of a currency is what is sold now. */
  readonly prices: ReadonlyMap<string, Sold>;
  /** True when the key moves real money; whatever is not of the same mode is refused. */
  readonly livemode: boolean;
  /** Where the API is. */
  readonly origin: URL;
}

const stripeOrigin = "https://api.stripe.com";
/** Secret and restricted keys (docs.stripe.com/keys). A publishable one can do nothing of ours. */
const keyPattern = /^(?:sk|rk)_(live|test)_[A-Za-z0-9]{10,247}$/;
const secretPattern = /^whsec_[A-Za-z0-9+/=]{16,128}$/;
const pricesWrong = "STRIPE_PRICES is a list such as school:INR=price_1, district:INR=price_2; a price has one plan";
/** The one in use and the one before: Stripe signs with both for as long as a rotation is given, a day at most. */
const secretsMax = 2;

/**
 * Checks the configuration once. Half of one stops the Worker: an endpoint that nobody can verify, or a key whose
 * payments nobody hears of, must not look as if it worked. Errors name the setting and never show it.
 * @returns null when Stripe is not configured at all: the offline provider rules
 * @throws Error naming the setting
 */
export function parseStripeConfig(env: StripeEnv): StripeConfig | null {
  const given = [env.STRIPE_SECRET_KEY, env.STRIPE_WEBHOOK_SECRETS, env.STRIPE_PRICES].map(
    (text) => text?.trim() ?? "",
  );
  if (given.every((text) => text === "")) return null;
  const [secretKey = "", secrets = "", prices = ""] = given;
  const [, mode] = keyPattern.exec(secretKey) ?? [];
  if (mode === undefined) throw new Error("STRIPE_SECRET_KEY is no secret or restricted key of Stripe's");
  const livemode = mode === "live";
  return {
    secretKey,
    webhookSecrets: parseSecrets(secrets),
    prices: parsePrices(prices),
    livemode,
    origin: originOf(env.LOOPBACK_STRIPE ?? "", livemode),
  };
}

function parseSecrets(text: string): readonly string[] {
  const secrets = listOf(text);
  const fine = secrets.length > 0 && secrets.length <= secretsMax && secrets.every((one) => secretPattern.test(one));
  if (!fine || new Set(secrets).size !== secrets.length)
    throw new Error(
      "STRIPE_WEBHOOK_SECRETS is one signing secret of an endpoint, or two: the present and the previous",
    );
  return secrets;
}

function parsePrices(text: string): ReadonlyMap<string, Sold> {
  const prices = new Map<string, Sold>();
  for (const pair of listOf(text)) {
    const [, name, code, price = ""] = /^([a-z]+):([A-Z]{3})=(price_[A-Za-z0-9]{1,64})$/.exec(pair) ?? [];
    const plan = parsePlan(name);
    const currency = parseCurrency(code);
    if (plan === null || plan === "free" || currency === null || prices.has(price)) throw new Error(pricesWrong);
    prices.set(price, { plan, currency });
  }
  if (prices.size === 0) throw new Error(pricesWrong);
  return prices;
}

/** A key that moves real money goes to Stripe alone. */
function originOf(loopback: string, livemode: boolean): URL {
  const [origin, ...others] = parseLoopbackOrigins("LOOPBACK_STRIPE", loopback);
  if (others.length > 0 || (origin !== undefined && livemode))
    throw new Error("LOOPBACK_STRIPE is one origin on loopback, and never beside a live key");
  return new URL(origin ?? stripeOrigin);
}

const listOf = (text: string): string[] =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

/** The price at which a plan is sold; null when it is not sold. */
export function priceOf({ prices }: StripeConfig, plan: Plan, currency: Currency): string | null {
  for (const [price, sold] of prices) if (sold.plan === plan && sold.currency === currency) return price;
  return null;
}
