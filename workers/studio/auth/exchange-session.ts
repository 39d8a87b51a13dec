import { type OrgId, parseId } from "../../../core/ids.ts";
import { apiKeyPrefix } from "../../../core/routes/api-keys.ts";
import type { SessionExchangeResult } from "../../../core/rpc/studio.ts";
import { judgeMfa } from "../../../core/tenancy/policy.ts";
import { findSession } from "../../../store/control/sessions.ts";
import type { Services } from "../services.ts";
import { exchangeApiKey } from "./api-keys.ts";
import { sha256Hex } from "./keys.ts";
import { looksLikeSecret } from "./secrets.ts";

/**
 * Trades a session cookie, or an API key, for an access token. The session is read each time, so an ended one is refused
 * at once. Not a member of the addressed organisation: the token is for none, and the API answers 404. The
 * same where the organisation asks for a second factor that the session has not shown: the API says so, and
 * the hub takes no token that is not for it.
 */
export async function exchangeSession(
  services: Services,
  secret: unknown,
  addressed: unknown,
  rawRequestId: unknown,
  renew = false,
): Promise<SessionExchangeResult> {
  if (typeof secret === "string" && secret.startsWith(apiKeyPrefix)) {
    return await exchangeApiKey(services, secret, rawRequestId, renew);
  }
  const requestId = parseId("request", rawRequestId);
  const org: OrgId | null = parseId("org", addressed);
  if (requestId === null || !looksLikeSecret(secret) || (addressed !== null && org === null))
    return { kind: "refused" };
  const found = await findSession(services.database, { secretHash: sha256Hex(secret) }, org, services.now());
  if (found === null) return { kind: "refused" };
  const { person, membership } = found;
  // One that is shut opens for nobody; the API says so by name.
  const opens =
    membership !== null &&
    membership.state === "active" &&
    judgeMfa(membership.mfa, person, services.now()) === "satisfied";
  const scope = opens ? { org: membership.org, role: membership.role } : null;
  const subject = { user: person.user, session: person.session, scope };
  const { token, expiresAtMs } = await services.scopedTokens.forCalls(subject, requestId, renew);
  return { kind: "ok", accessToken: token, expiresAtMs };
}
