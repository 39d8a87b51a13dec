import type { SessionId, UserId } from "../../../core/ids.ts";
import { accessTokenSecondsMax } from "../../../core/limits.ts";
import { judgeMfa, type MfaHolder } from "../../../core/tenancy/policy.ts";
import { type NewSession, startSession } from "../../../store/control/sessions.ts";
import type { MembershipOfUser } from "../../../store/control/users.ts";
import type { RequestContext } from "../pipeline/request-context.ts";
import { sessionSecretOf } from "./cookie.ts";
import { endSockets } from "./end-sockets.ts";
import { sha256Hex } from "./keys.ts";
import type { TokenSubject } from "./scoped-tokens.ts";
import { makeSecret } from "./secrets.ts";

export interface TokenAnswer {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: "Bearer";
  readonly expires_in: number;
}

export interface StartedSession {
  readonly id: SessionId;
  /** The cookie's value; shown once. */
  readonly secret: string;
  readonly refreshToken: string | null;
}

/**
 * Starts a session for a person who has just proven themselves; the session that the same browser
 * had before ends with its sockets (new id at sign-in, ASVS 7.2.4).
 * @returns null when the password that they showed was changed meanwhile
 */
export async function beginSession(
  context: RequestContext,
  user: UserId,
  wanted: Pick<NewSession, "method" | "mfa" | "onlyOrg" | "rehashed" | "passwordHash"> & { readonly tokens: boolean },
): Promise<StartedSession | null> {
  const { services } = context;
  const id = services.makeId("session");
  const secret = makeSecret(services.randomBytes);
  const refreshToken = wanted.tokens ? makeSecret(services.randomBytes) : null;
  const presented = sessionSecretOf(context.cookieHeader);
  const { replaced, started } = await startSession(services.database, context.write(), {
    id,
    user,
    secretHash: sha256Hex(secret),
    ip: context.clientIp,
    userAgent: context.userAgent.replaceAll("\0", ""),
    replacesSecretHash: presented === null ? null : sha256Hex(presented),
    method: wanted.method,
    mfa: wanted.mfa,
    onlyOrg: wanted.onlyOrg ?? null,
    rehashed: wanted.rehashed,
    passwordHash: wanted.passwordHash,
    refresh: refreshToken === null ? null : { family: services.makeId("family"), tokenHash: sha256Hex(refreshToken) },
  });
  if (replaced !== null) {
    await endSockets(services, { user: replaced.user, session: replaced.id }, context.requestId);
  }
  return started ? { id, secret, refreshToken } : null;
}

/**
 * What a new token is for: the organisation whose door was used, else the only one there is, else none
 * yet (each request then gets its own scope inside). None also where the organisation asks for a second
 * factor that the session has not shown: a token for it would open its hub.
 */
export function scopeOf(
  memberships: readonly MembershipOfUser[],
  orgReference: string | null,
  holder: MfaHolder,
  nowMs: number,
): TokenSubject["scope"] {
  const [only, ...others] = memberships;
  const addressed = orgReference === null ? undefined : memberships.find(isOrg(orgReference));
  const chosen = orgReference === null && others.length === 0 ? only : addressed;
  if (chosen === undefined || judgeMfa(chosen.mfa, holder, nowMs) !== "satisfied") return null;
  return { org: chosen.org, role: chosen.role };
}

/** True for the membership in the organisation of this id or slug. */
export function isOrg(reference: string): (membership: MembershipOfUser) => boolean {
  return ({ org, slug }) => org === reference || slug === reference;
}

export async function tokenAnswer(
  context: RequestContext,
  subject: TokenSubject,
  refreshToken: string,
): Promise<TokenAnswer> {
  const { services, requestId } = context;
  const { token } = await services.scopedTokens.fresh(subject, requestId);
  return { access_token: token, refresh_token: refreshToken, token_type: "Bearer", expires_in: accessTokenSecondsMax };
}
