import { apiPath, publicRoute, type RouteSpec, route } from "./route.ts";

/** Bytes of one event: the largest that Stripe documents, an invoice with ten lines, has some 30 KiB. */
export const paymentEventBytesMax = 256 * 1024;

/** What the payment provider tells. It has no session and no key of ours: its signature is all there is. */
export const paymentEventRoutes = {
  takePaymentEvent: route({
    method: "POST",
    path: `${apiPath}/billing/webhook`,
    policy: publicRoute("the signature over its body is verified where the secret is, before anything reads it"),
    takes: "signed",
    bodyBytesMax: paymentEventBytesMax,
    cookieless: "the signature over the body",
    rateClass: "payment_events",
    geo: { anywhere: "Stripe sends from its own countries, whatever the platform's policy says of people" },
    summary: "An event of Stripe's, signed over its bytes; heard once, in any order",
  }),
} as const satisfies Record<string, RouteSpec>;
