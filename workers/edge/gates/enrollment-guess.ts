import { rateWindowMs } from "../../../core/limits.ts";
import type { RateAttempt, RatePolicy } from "../../../core/rpc/durable-objects.ts";
import { codeHash } from "../known-codes.ts";
import { logFailure } from "../log.ts";
import { type Counted, refusalFields } from "../rate-fields.ts";
import type { Additions, Denial, Guess, RequestContext } from "./gate.ts";

/** Statuses that only a valid code comes to: a device was made, or the code has had its devices of this minute. */
const provenStatuses: ReadonlySet<number> = new Set([201, 429]);

type Judged = { readonly kind: "guess"; readonly guess: Guess; readonly isKnown: boolean } | Denial;

/**
 * Counts an enrolment as a guess of its address until its code has proved to be one (docs/adr/0024). A code that
 * this isolate has seen taken is no guess: its devices are counted for the code, behind studio.
 */
export async function judgeGuess(
  { env, isolate, client, body }: RequestContext & Pick<Additions, "body">,
  limit: number,
): Promise<Judged> {
  const hash = await codeHash(body instanceof ReadableStream ? null : body);
  const counter = `address:${client.key}`;
  const policy: RatePolicy = { policy: "enrollment", limit, windowMs: rateWindowMs };
  const counted = ({ decision }: RateAttempt): Counted => ({ policy: "enrollment", windowMs: rateWindowMs, decision });
  const refusal = (attempt: RateAttempt): Denial => {
    return { kind: "deny", code: "rate_limited", headers: refusalFields(counted(attempt)) };
  };

  const isKnown = hash !== null && (await isolate.codes.ask(hash)) === "known";
  let place: RateAttempt | null = null;
  if (!isKnown) {
    try {
      place = await env.LIMITS.attempt(counter, policy);
    } finally {
      // Whoever waits for this one's verdict need not when there will be none.
      if (hash !== null && place?.attempt == null) isolate.codes.learn(hash, false);
    }
    if (place.attempt === null) return refusal(place);
  }

  async function settle(status: number): Promise<readonly Counted[] | Denial> {
    const isProven = provenStatuses.has(status);
    // A part that did not answer says nothing of the code; what is known stays known.
    if (hash !== null && (isProven || !isKnown || status < 500)) isolate.codes.learn(hash, isProven);
    if (isProven) {
      if (place?.attempt != null) await giveBack(place.attempt);
      return [];
    }
    if (place === null) {
      if (status >= 500) return [];
      place = await env.LIMITS.attempt(counter, policy);
      if (place.attempt === null) return refusal(place);
    }
    if (place.attempt !== null) await env.LIMITS.settle(counter, policy, place.attempt, true);
    return [counted(place)];
  }

  async function giveBack(attempt: string): Promise<void> {
    try {
      await env.LIMITS.settle(counter, policy, attempt, false);
    } catch (error) {
      // The place stays taken for a minute; the device exists and must hear its token.
      logFailure({ event: "limiter_failed" }, error);
    }
  }

  return { kind: "guess", guess: { settle }, isKnown };
}
