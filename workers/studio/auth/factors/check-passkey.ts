import type { z } from "@hono/zod-openapi";
import type { AuthenticationResponseJSON } from "@simplewebauthn/server";
import type { UserId } from "../../../../core/ids.ts";
import { findPasskey, takeCounter } from "../../../../store/control/factors/passkeys.ts";
import { findAccount } from "../../../../store/control/users.ts";
import { passkeyCopiedMail } from "../../mail/factor-messages.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { verifyAssertion } from "./passkeys.ts";
import type { authenticationResponse } from "./presented.ts";
import { mailLater } from "./record-change.ts";

export type PasskeyCheck =
  | { readonly kind: "right"; readonly user: UserId }
  /** `user`: whose the credential is; null when nobody's. */
  | { readonly kind: "wrong"; readonly user: UserId | null }
  /** The signature is right and the counter is not above the last one: refused, audited by the caller, mailed here. */
  | { readonly kind: "copied"; readonly user: UserId };

/**
 * Checks an assertion, and takes its counter. Never throttled: nobody guesses a signature.
 * @param expected.challenge base64url, as it was given out, once
 * @param expected.user whose passkey it must be; null: whoever's it is, and it must say so itself
 */
export async function checkPasskey(
  context: RequestContext,
  response: z.output<typeof authenticationResponse>,
  expected: { readonly challenge: string; readonly user: UserId | null },
): Promise<PasskeyCheck> {
  const { services } = context;
  const passkey = await findPasskey(services.database, response.id);
  if (passkey === null) return { kind: "wrong", user: null };
  const { user } = passkey;
  const wrong: PasskeyCheck = { kind: "wrong", user };
  if (expected.user !== null && user !== expected.user) return wrong;
  // WebAuthn §7.2 step 6: where nobody was named, the authenticator names the account.
  if (expected.user === null && response.response.userHandle === undefined) return wrong;
  const counter = await verifyAssertion(
    services.publicUrl,
    expected.challenge,
    response as AuthenticationResponseJSON,
    passkey,
  );
  if (counter === null) return wrong;
  if (await takeCounter(services.database, context.write(), passkey.id, counter)) return { kind: "right", user };
  const account = await findAccount(services.database, user);
  if (account !== null) {
    mailLater(context, passkeyCopiedMail(account.email, services.publicUrl, new Date(services.now())));
  }
  return { kind: "copied", user };
}
