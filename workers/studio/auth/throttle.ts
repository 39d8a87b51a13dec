import { addressKey } from "../../../core/address-key.ts";
import type { UserId } from "../../../core/ids.ts";
import { type AttemptBucket, admitAttempt, settleAttempt } from "../../../store/control/sign-in-failures.ts";
import type { Credentials } from "../../../store/control/users.ts";
import { afterAnswer } from "../after-answer.ts";
import { type Refusal, refuse } from "../http/result.ts";
import type { RequestContext } from "../pipeline/request-context.ts";
import { knownDevice } from "./device-cookie.ts";
import { mac } from "./keys.ts";

/**
 * Failed proofs slow the next one down, for the account and for the client's address, and lock nobody out
 * (ASVS 6.3.1, NIST 800-63B-4 §3.2.2). A wait is at most a minute, and three ways lead round it: a browser
 * that is known to the account (device-cookie.ts), a passkey, which nobody can guess and is never counted,
 * and a new password by mail, which makes the browser known.
 *
 * Ten attempts without a wait: a person's own mistakes, and a few programs that sign in at once. Then one a
 * minute is 1,440 guesses a day over any number of addresses, of which the list of common passwords has
 * taken the likely ones; more than a minute would only serve whoever wants the owner to wait.
 */
const accountAttempts = { freeAttempts: 10, delayMsMax: 60_000 } as const;
/**
 * One address may be a whole school, so it is slowed later and less: a hundred attempts, then at least one
 * each ten seconds. It makes trying one password at many accounts five times slower than the edge's limit.
 */
const addressAttempts = { freeAttempts: 100, delayMsMax: 10_000 } as const;

/** Whose proof is tried. The account is counted whether it exists or not, so that the answer tells nothing. */
export type AttemptTarget =
  | { readonly kind: "password"; readonly email: string }
  /** A code of a second factor: whoever comes here knows the password, so it is counted apart. */
  | { readonly kind: "factor"; readonly user: UserId };

export type Admission = {
  /** Of the address whose password is tried; null: nobody's. */
  readonly credentials: Credentials | null;
} & (
  | { readonly kind: "admitted"; readonly keyHashes: readonly string[]; readonly addressKeyHash: string }
  | { readonly kind: "throttled"; readonly retryAfterSeconds: number }
);

/**
 * Asks before a proof is looked at. The attempt is counted here, not after it failed: of many at the same
 * moment only those within the bound are looked at. Whoever goes on calls {@link succeeded} when the proof
 * was right, {@link notMade} when it was not looked at, and nothing when it was wrong.
 */
export async function check(context: RequestContext, target: AttemptTarget): Promise<Admission> {
  const { services, clientIp } = context;
  const { database, keys, limitScale } = services;
  const nowMs = services.now();
  const bucket = (bounds: typeof accountAttempts | typeof addressAttempts, ...parts: string[]): AttemptBucket => ({
    keyHash: mac(keys.throttle, parts).toString("hex"),
    freeAttempts: bounds.freeAttempts * limitScale,
    delayMsMax: bounds.delayMsMax,
  });
  const account = "email" in target ? { email: target.email } : { user: target.user };
  const name = "email" in target ? target.email : target.user;
  const address = bucket(addressAttempts, "address", addressKey(clientIp) ?? clientIp);
  const known = knownDevice(context);
  const admission = await admitAttempt(database, {
    nowMs,
    account,
    buckets: [bucket(accountAttempts, "account", target.kind, name), address],
    device:
      known === null
        ? null
        : { user: known.user, bucket: bucket(accountAttempts, "device", target.kind, known.user, known.id) },
  });
  return admission.kind === "admitted"
    ? { ...admission, addressKeyHash: address.keyHash }
    : {
        kind: "throttled",
        credentials: admission.credentials,
        retryAfterSeconds: Math.max(1, Math.ceil((admission.untilMs - nowMs) / 1000)),
      };
}

/** The proof was right: the account, or the known browser, starts anew; the address loses this attempt. */
export function succeeded(context: RequestContext, admission: Extract<Admission, { kind: "admitted" }>): void {
  const { keyHashes, addressKeyHash } = admission;
  settle(context, {
    clear: keyHashes.filter((key) => key !== addressKeyHash),
    giveBack: keyHashes.filter((key) => key === addressKeyHash),
  });
}

/** The proof was not looked at (no room, a missing part): nobody's mistake. */
export function notMade(context: RequestContext, admission: Extract<Admission, { kind: "admitted" }>): void {
  settle(context, { clear: [], giveBack: admission.keyHashes });
}

/** 429 with when to come back. */
export function throttledRefusal({ retryAfterSeconds }: Extract<Admission, { kind: "throttled" }>): Refusal {
  return refuse("throttled", { headers: { "Retry-After": String(retryAfterSeconds) } });
}

/** After the answer: it waits for nothing that is not about this sign-in. What fails here only waits longer. */
function settle(context: RequestContext, what: Parameters<typeof settleAttempt>[1]): void {
  afterAnswer(context, "settle", settleAttempt(context.services.database, what));
}
