import { type OrgId, parseId } from "../../../core/ids.ts";
import type { SessionExchangeResult } from "../../../core/rpc/studio.ts";
import { findSession } from "../../../store/control/sessions.ts";
import type { Services } from "../services.ts";
import { sha256Hex } from "./keys.ts";
import { looksLikeSecret } from "./secrets.ts";

/**
 * Trades a session cookie for an access token. The session is read each time, so an ended one is refused
 * at once. Not a member of the addressed organisation: the token is for none, and the API answers 404. A
 * session that counts in one organisation alone gives tokens for that one alone, whatever is addressed: one
 * for none would open every hub that knows the person.
 */
export async function exchangeSession(
  services: Services,
  secret: unknown,
  addressed: unknown,
  rawRequestId: unknown,
): Promise<SessionExchangeResult> {
  const requestId = parseId("request", rawRequestId);
  const org: OrgId | null = parseId("org", addressed);
  if (requestId === null || !looksLikeSecret(secret) || (addressed !== null && org === null))
    return { kind: "refused" };
  const found = await findSession(services.database, { secretHash: sha256Hex(secret) }, org, services.now());
  if (found === null) return { kind: "refused" };
  const { person, membership } = found;
  const scope = membership === null ? person.confinedTo : { org: membership.org, role: membership.role };
  const subject = { user: person.user, session: person.session, scope };
  const { token, expiresAtMs } = await services.scopedTokens.forCalls(subject, requestId);
  return { kind: "ok", accessToken: token, expiresAtMs };
}
