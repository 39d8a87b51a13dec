import { proveSession, replaceSession } from "../../../store/control/renew-session.ts";
import { type Refusal, refuse } from "../http/result.ts";
import type { OwnContext } from "../pipeline/request-context.ts";
import { sessionCookie } from "./cookie.ts";
import { endSockets, untold } from "./end-sockets.ts";
import { sha256Hex } from "./keys.ts";
import { makeSecret } from "./secrets.ts";

export type Renewal =
  | { readonly kind: "renewed"; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: "ended"; readonly refusal: Refusal };

/**
 * After a proof, or a new factor, which raises what the session may do: from now on it is proven, and the
 * secret that was before opens nothing (ASVS 7.2.4). Who came by cookie goes on in a new session with a new
 * cookie. Who came by token keeps it, for its holder is the one who proved it; the session's cookie, if
 * somebody has it, ends all the same.
 * @param proof.mfa true when a second factor was shown
 * @throws Unavailable when a hub could not be told; then nothing has changed
 */
export async function renewSession(context: OwnContext, proof: { readonly mfa: boolean }): Promise<Renewal> {
  const { services, person, own, requestId } = context;
  const secret = makeSecret(services.randomBytes);
  const renewed = { session: person.session, user: person.user, mfa: proof.mfa, secretHash: sha256Hex(secret) };
  if (context.credential !== "cookie") {
    const held = await proveSession(services.database, context.write(), renewed);
    return held ? { kind: "renewed", headers: {} } : ended;
  }
  // The hubs first, as at sign-out: whoever is told that it failed can ask again.
  await endSockets(services, person, requestId, own.memberships);
  const next = services.makeId("session");
  const there = await replaceSession(services.database, context.write(), { ...renewed, next });
  if (there === null) return ended;
  await endSockets(services, person, requestId, untold(there, own.memberships));
  return { kind: "renewed", headers: { "Set-Cookie": sessionCookie(secret) } };
}

/** Somebody ended it meanwhile, and it stays so. */
const ended: Renewal = {
  kind: "ended",
  refusal: refuse("invalid_token", { headers: { "WWW-Authenticate": 'Bearer error="invalid_token"' } }),
};
