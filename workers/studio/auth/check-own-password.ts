import { type Refusal, refuse } from "../http/result.ts";
import type { PersonContext } from "../pipeline/request-context.ts";
import { refuseBusy } from "./password-policy.ts";
import * as throttle from "./throttle.ts";

export type OwnPasswordCheck =
  /** @property hash what it was compared with */
  | { readonly kind: "right"; readonly hash: string }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** The account has none: nothing was checked. */
  | { readonly kind: "none" }
  /** The address is not this person's any more. */
  | { readonly kind: "gone" };

/**
 * Checks that a signed-in person knows their password. Failures slow the next one down as at sign-in; the attempt
 * is counted in the round trip that reads what it is compared with.
 */
export async function checkOwnPassword(context: PersonContext, password: string): Promise<OwnPasswordCheck> {
  const { person, services } = context;
  const admission = await throttle.check(context, { kind: "password", email: person.email });
  if (admission.kind === "throttled") return { kind: "refused", refusal: throttle.throttledRefusal(admission) };
  const { credentials } = admission;
  if (credentials === null || credentials.id !== person.user || credentials.passwordHash === null) {
    throttle.notMade(context, admission);
    return { kind: credentials?.id === person.user ? "none" : "gone" };
  }
  const { passwordHash } = credentials;
  const verified = await services.passwords.verify(password, passwordHash).catch((error: unknown) => {
    throttle.notMade(context, admission);
    throw error;
  });
  if (verified.kind === "busy") {
    throttle.notMade(context, admission);
    return { kind: "refused", refusal: refuseBusy };
  }
  if (verified.kind === "wrong") return { kind: "refused", refusal: refuse("invalid_credentials") };
  throttle.succeeded(context, admission);
  return { kind: "right", hash: passwordHash };
}
