/** What an answer of a SIEM means, and when it is asked again. Pure. */

/** What came of a message that was sent; `status` is null when there was no answer. */
export interface Sent {
  readonly status: number | null;
  /** The header's seconds; null without one. Its other form, a date, is not worth another clock's opinion. */
  readonly retryAfterSeconds: number | null;
}

/** Why a message was not taken: shown to administrators, stable, snake_case. */
export const streamFailures = [
  /** No answer in time, no TLS, no such name. */
  "unreachable",
  /** Redirects are not followed: they would lead past the judgement of the address. */
  "redirected",
  /** 401, 403, 404 and the like: something has to be set right, there or here. */
  "refused",
  /** 429. */
  "slowed",
  /** 5xx. */
  "failing",
  /** 400, 413, 415 or 422: of this message, and for good. */
  "not_accepted",
  /** 410: it wants no more, ever (Standard Webhooks). */
  "gone",
] as const;
export type StreamFailure = (typeof streamFailures)[number];

export type StreamVerdict =
  | { readonly kind: "taken" }
  /** The same message again, later. */
  | { readonly kind: "again"; readonly failure: StreamFailure; readonly waitMsMin: number }
  /** This message never; those behind it may do better. */
  | { readonly kind: "dead"; readonly failure: StreamFailure }
  /** No message any more, until somebody says so. */
  | { readonly kind: "stop"; readonly failure: StreamFailure };

/** Answers that say the message itself is wrong: the same bytes would be refused the same way. */
const neverTaken: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** Longest wait between two tries, in milliseconds. */
export const retryMsMax = 3600_000;
/** First wait, in milliseconds: a clock that looks every minute gains nothing by less. */
export const retryMsMin = 30_000;
/**
 * How long a message is tried, in milliseconds: a weekend and a day on which somebody sees to it. After it the
 * message is put aside and the next one is tried.
 */
export const giveUpMs = 3 * 24 * 3600_000;

export function judge({ status, retryAfterSeconds }: Sent): StreamVerdict {
  if (status === null) return again("unreachable");
  if (status >= 200 && status < 300) return { kind: "taken" };
  if (status >= 300 && status < 400) return again("redirected");
  if (status === 410) return { kind: "stop", failure: "gone" };
  if (neverTaken.has(status)) return { kind: "dead", failure: "not_accepted" };
  if (status === 429 || status === 503) {
    const asked = Math.min((retryAfterSeconds ?? 0) * 1000, retryMsMax);
    return { kind: "again", failure: status === 429 ? "slowed" : "failing", waitMsMin: asked };
  }
  return again(status >= 500 || status < 200 ? "failing" : "refused");
}

const again = (failure: StreamFailure): StreamVerdict => ({ kind: "again", failure, waitMsMin: 0 });

/**
 * How long to wait after the `tries`-th failure in a row: doubling, capped at an hour, jittered over its upper half
 * so that all who stream to one provider do not come back in the same second.
 * @param random 0 ≤ random < 1
 */
export function retryWaitMs(tries: number, waitMsMin: number, random: number): number {
  const full = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(Math.max(tries, 1) - 1, 16));
  return Math.max(waitMsMin, Math.round(full * (0.5 + random / 2)));
}

/** Seconds of a Retry-After header (RFC 9110 section 10.2.3); null for none and for a date. */
export function retryAfterOf(header: string | null): number | null {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) : null;
}
