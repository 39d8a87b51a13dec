import Stripe from "stripe";
import type { StripeConfig } from "./config.ts";

/** How old a delivery may be, and how far ahead of us its clock, in seconds (Stripe's own default tolerance). */
export const toleranceSeconds = 300;
/** Stripe's field has a time and a signature for each secret in use: some 150 characters. */
const headerCharactersMax = 1024;

/**
 * What of an event is believed: that something happened to this customer. How the customer stands is asked of Stripe
 * (state.ts): deliveries come late, twice and in any order, and a body is as old as its event.
 */
export interface HeardEvent {
  /** Stripe's name of it; the same at each delivery. */
  readonly id: string;
  readonly kind: string;
  /** When it happened, Unix milliseconds. */
  readonly createdMs: number;
  /** Whose change it tells; null for kinds that tell of none. */
  readonly customer: string | null;
  /** The subscription that it is about, to be asked for where the customer is gone; null: it is about something else. */
  readonly subscription: string | null;
}

/** Why a delivery is refused; for our log, never for the answer. */
export type EventRefusal = "signature" | "future" | "malformed" | "another_account" | "another_mode";

export type Verified =
  | { readonly ok: true; readonly event: HeardEvent }
  | { readonly ok: false; readonly why: EventRefusal };

/** Kinds that say something about a subscription. Every other one is answered and noted. */
export const heardKinds: ReadonlySet<string> = new Set([
  "checkout.session.completed",
  "checkout.session.async_payment_succeeded",
  "checkout.session.async_payment_failed",
  "customer.subscription.created",
  "customer.subscription.updated",
  "customer.subscription.deleted",
  "customer.subscription.paused",
  "customer.subscription.resumed",
  "invoice.paid",
  "invoice.payment_failed",
  "invoice.payment_action_required",
]);

/**
 * Verifies a delivery over its bytes as they came. Every secret is tried: a rotation has two for a while.
 * @param payload the body, untouched
 * @param header the field `Stripe-Signature`; null when there was none
 * @param nowMs Unix milliseconds
 */
export async function verifyEvent(
  { webhookSecrets, livemode }: StripeConfig,
  payload: Uint8Array,
  header: string | null,
  nowMs: number,
): Promise<Verified> {
  const text = exactText(payload);
  if (text === null) return refused("malformed");
  const signedAtMs = timeOf(header);
  if (header === null || signedAtMs === null) return refused("signature");
  const event = await signedEvent(text, header, webhookSecrets, nowMs);
  if (event === null) return refused("signature");
  // The library bounds the past alone. What is signed for next year could be replayed until then.
  if (signedAtMs > nowMs + toleranceSeconds * 1000) return refused("future");
  return meaningOf(event, livemode);
}

/** Nothing here is another's to choose: it was signed. It may still be of a version of the API that we don't know. */
function meaningOf(event: unknown, livemode: boolean): Verified {
  const { id, object, type, created, account, livemode: mode, data } = recordOf(event);
  const isWhole = isId("evt", id) && object === "event" && typeof mode === "boolean";
  if (!isWhole || typeof type !== "string" || !kindPattern.test(type)) return refused("malformed");
  if (typeof created !== "number" || !Number.isSafeInteger(created) || created < 0) return refused("malformed");
  // Of connected accounts alone (Connect), of which we have none.
  if (account !== undefined && account !== null) return refused("another_account");
  if (mode !== livemode) return refused("another_mode");
  const heard = { id, kind: type, createdMs: created * 1000 };
  const nobodys: Verified = { ok: true, event: { ...heard, customer: null, subscription: null } };
  if (!heardKinds.has(type)) return nobodys;
  // A session or an invoice of somebody who never became a customer is none of ours.
  const { customer, object: about, id: aboutId } = recordOf(recordOf(data)["object"]);
  if (customer === null) return nobodys;
  if (!isId("cus", customer)) return refused("malformed");
  const subscription = about === "subscription" && isId("sub", aboutId) ? aboutId : null;
  return { ok: true, event: { ...heard, customer, subscription } };
}

const kindPattern = /^[a-z0-9_.]{1,128}$/;

/** True for one of Stripe's names with this prefix; a version that expands objects has none here. */
function isId(prefix: string, value: unknown): value is string {
  return typeof value === "string" && value.startsWith(`${prefix}_`) && /^[A-Za-z0-9_]{4,100}$/.test(value);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** When a field says that it was signed, Unix milliseconds; of a field with two such times nobody knows which counts. */
function timeOf(header: string | null): number | null {
  if (header === null || header.length > headerCharactersMax) return null;
  const times = header.split(",").filter((part) => part.startsWith("t="));
  const [time = ""] = times;
  return times.length === 1 && /^t=\d{1,12}$/.test(time) ? Number(time.slice(2)) * 1000 : null;
}

const refused = (why: EventRefusal): Verified => ({ ok: false, why });

/** The text that these bytes are, and no other bytes: an encoding that is mended would be signed as something else. */
function exactText(payload: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
  } catch {
    return null;
  }
}

/** What was signed with one of the secrets, parsed; null when nothing was, or too long ago. */
async function signedEvent(text: string, header: string, secrets: readonly string[], nowMs: number): Promise<unknown> {
  const crypto = Stripe.createSubtleCryptoProvider();
  for (const secret of secrets) {
    try {
      return await Stripe.webhooks.constructEventAsync(text, header, secret, toleranceSeconds, crypto, nowMs);
    } catch {
      // The library's errors hold the payload and the field: they go nowhere.
    }
  }
  return null;
}
