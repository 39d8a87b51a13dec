/** Signatures of the messages that we send, by Standard Webhooks 1.0 (symmetric, `v1`). */

/** Bytes of a secret: 24 to 64 are allowed, and more than the hash gives are worth nothing. */
export const webhookSecretBytes = 32;
const secretPrefix = "whsec_";

/** A secret as receivers' libraries take it: `whsec_` and base64. */
export function formatWebhookSecret(secret: Uint8Array): string {
  return `${secretPrefix}${btoa(String.fromCharCode(...secret))}`;
}

/** The bytes of a secret that {@link formatWebhookSecret} wrote; null for anything else. */
export function parseWebhookSecret(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^whsec_[A-Za-z0-9+/]{43}=$/.test(text)) return null;
  return Uint8Array.from(atob(text.slice(secretPrefix.length)), (character) => character.charCodeAt(0));
}

/** What is signed, and when: the time is that of the attempt, so that a receiver can refuse old ones. */
export interface WebhookMessage {
  /** The same in every attempt, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly sentAtMs: number;
  readonly body: string;
}

/**
 * The three headers of a message.
 * @param secrets raw, the newest first; while one replaces another the message is signed under both
 */
export async function webhookHeaders(
  { id, sentAtMs, body }: WebhookMessage,
  secrets: readonly Uint8Array<ArrayBuffer>[],
): Promise<Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>> {
  const timestamp = String(Math.floor(sentAtMs / 1000));
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const signatures = await Promise.all(secrets.map(async (secret) => `v1,${await sign(secret, signed)}`));
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

async function sign(secret: Uint8Array<ArrayBuffer>, signed: Uint8Array<ArrayBuffer>): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", key, signed))));
}
