import Stripe from "stripe";
import { readBounded } from "../../../../core/read-bounded.ts";
import type { StripeConfig } from "./config.ts";

/** How long one request may take, in milliseconds: Stripe's slowest answers take seconds, and a person waits. */
const requestMsMax = 8_000;
/** Further tries after a cut, a 409 or a 5xx, each under the first one's idempotency key. */
const retriesMax = 2;
/** Largest answer that is read, in bytes: a page of subscriptions is some tens of KiB. */
const answerBytesMax = 1024 * 1024;

/**
 * Stripe's own library over `fetch`. Its version of the API is pinned by the library's version, so that what it sends and
 * what its types say agree. Nothing is told about our requests' times (telemetry).
 */
export function createStripeClient({ secretKey, origin }: StripeConfig, platformFetch: typeof fetch): Stripe {
  return new Stripe(secretKey, {
    httpClient: Stripe.createFetchHttpClient(boundedFetch(origin, platformFetch)),
    host: origin.hostname,
    port: origin.port === "" ? "443" : origin.port,
    protocol: origin.protocol === "http:" ? "http" : "https",
    timeout: requestMsMax,
    maxNetworkRetries: retriesMax,
    telemetry: false,
  });
}

/**
 * The one way out: to the configured origin, no further (a redirect would take the key along), and an answer that is
 * longer than any of Stripe's is none.
 */
function boundedFetch(origin: URL, platformFetch: typeof fetch): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== origin.origin) throw new Error("that is not Stripe's address");
    const response = await platformFetch(url, { ...init, redirect: "manual" });
    const bytes = await readBounded(response.body, answerBytesMax);
    if (bytes === null) throw new Error("the answer is too long");
    return new Response(bytes, { status: response.status, headers: response.headers });
  };
}

/** True when Stripe says that the thing is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeInvalidRequestError && error.code === "resource_missing";
}

/** True when the payment itself was refused: 402, nothing was changed. */
export function isDeclined(error: unknown): boolean {
  return (
    error instanceof Stripe.errors.StripeCardError ||
    (error instanceof Stripe.errors.StripeError && error.statusCode === 402)
  );
}
