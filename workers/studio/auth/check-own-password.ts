import { type Refusal, refuse } from "../http/result.ts";
import type { PersonContext } from "../pipeline/request-context.ts";
import { refuseBusy } from "./password-policy.ts";
import * as throttle from "./throttle.ts";

/**
 * Checks that a signed-in person knows their password. Failures slow the next one down as at sign-in.
 * @param stored the hash of their account
 * @returns null when it is right
 */
export async function checkOwnPassword(
  context: PersonContext,
  password: string,
  stored: string,
): Promise<Refusal | null> {
  const admission = await throttle.check(context, { kind: "password", email: context.person.email });
  if (admission.kind === "throttled") return throttle.throttledRefusal(admission);
  const verified = await context.services.passwords.verify(password, stored).catch((error: unknown) => {
    throttle.notMade(context, admission);
    throw error;
  });
  if (verified.kind === "busy") {
    throttle.notMade(context, admission);
    return refuseBusy;
  }
  if (verified.kind === "wrong") return refuse("invalid_credentials");
  throttle.succeeded(context, admission);
  return null;
}
