/** How Stripe signs what it sends to an endpoint (docs.stripe.com/webhooks/signature), without its library. */
import { createHmac } from "node:crypto";

/**
 * The field `Stripe-Signature`: HMAC-SHA256 of `t.body` under each of the endpoint's secrets, in hexadecimal.
 * @param atMs when it is sent, in Unix milliseconds
 */
export function signatureOf(body: string, secrets: readonly string[], atMs: number): string {
  const seconds = Math.floor(atMs / 1000);
  const sign = (secret: string): string => createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return [`t=${seconds}`, ...secrets.map((secret) => `v1=${sign(secret)}`)].join(",");
}
