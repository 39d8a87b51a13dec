import { decodeProtectedHeader } from "jose";
import type { OrgId, RequestId, UserId } from "../../core/ids.ts";
import { verifyAccessToken } from "../../core/mesh/access.ts";
import { sha256Base64url } from "../../core/mesh/hash.ts";
import { CallRefused } from "../../core/mesh/refused.ts";
import { apiKeyPrefix } from "../../core/routes/api-keys.ts";
import type { Env } from "./env.ts";
import type { CachedSession, Isolate } from "./isolate.ts";

/** Who a request speaks for, as far as the edge can tell. */
export type Credential =
  | { readonly kind: "none" }
  | {
      readonly kind: "user";
      readonly via: "bearer" | "cookie";
      /** Verified. Never logged, never sent to the browser. */
      readonly accessToken: string;
      readonly user: UserId;
      /** The organisation the token is for. */
      readonly org: OrgId | null;
    }
  /** A device's token, which only the hub can verify: passed on untouched. */
  | { readonly kind: "device"; readonly token: string }
  /** The operator's token, which only studio can verify: passed on untouched, and on the operator's routes alone. */
  | { readonly kind: "operator"; readonly token: string };

export type UserCredential = Extract<Credential, { kind: "user" }>;

/** How long an exchanged session is used without asking again, in milliseconds. Studio checks the session and the role itself. */
const sessionFreshMs = 60_000;
/** How long a verified credential is counted by itself rather than by its address, in milliseconds. */
const verifiedFreshMs = 10 * 60_000;

/** The name under which a secret is kept or counted: base64url(SHA-256). The secret itself is never a key. */
export const hashSecret = sha256Base64url;

const sessionKey = (secretHash: string, org: OrgId | null): string => `${secretHash} ${org ?? "-"}`;

/**
 * Verifies an access token.
 * @returns null when it does not hold
 * @throws whatever asking for the keys throws: the caller refuses
 */
export async function verifyBearer(token: string, isolate: Isolate, nowMs: number): Promise<UserCredential | null> {
  try {
    const claims = await verifyAccessToken(token, isolate.accessKeys, nowMs);
    isolate.verifiedCredentials.set(await hashSecret(token), true, nowMs + verifiedFreshMs);
    return { kind: "user", via: "bearer", accessToken: token, user: claims.sub, org: claims.org };
  } catch (error) {
    if (error instanceof CallRefused) return null;
    throw error;
  }
}

/** A session's secret comes in a cookie, an API key as a bearer; each is refused the other's way. */
const viaOf = (secret: string): "bearer" | "cookie" => (secret.startsWith(apiKeyPrefix) ? "bearer" : "cookie");

/** What this isolate already knows of a session or an API key; asks nobody. */
export async function recallSession(
  secret: string,
  org: OrgId | null,
  isolate: Isolate,
  nowMs: number,
): Promise<UserCredential | null> {
  const known = isolate.sessions.get(sessionKey(await hashSecret(secret), org), nowMs);
  return known === undefined ? null : credentialOf(secret, known);
}

function credentialOf(secret: string, { accessToken, user, org }: CachedSession): UserCredential {
  return { kind: "user", via: viaOf(secret), accessToken, user, org };
}

/**
 * Trades a session cookie or an API key for an access token. What studio hands back is verified like any other
 * token: the edge does not take studio's word for who somebody is. It may be for another organisation than the
 * one that is addressed (an API key's own): studio and hub then answer as to a stranger, which is for them to do,
 * because a refusal from here would say that the addressed one exists.
 * @returns null when there is no such session
 * @throws whatever SESSIONS or the keys throw: the caller refuses
 */
export async function exchangeSession(
  secret: string,
  org: OrgId | null,
  requestId: RequestId,
  env: Env,
  isolate: Isolate,
  nowMs: number,
): Promise<UserCredential | null> {
  const hash = await hashSecret(secret);
  const known = isolate.sessions.get(sessionKey(hash, org), nowMs);
  // A token in hand outlives its key only until this isolate learns that the key was revoked.
  if (known !== undefined && (await isolate.accessKeys.find(known.kid)) !== null) return credentialOf(secret, known);
  let session = await trade(false);
  // Studio, too, keeps a token for a while: one that is refused here is asked for anew, once.
  if (session === "refused_here") session = await trade(true);
  if (session === "refused_here") throw new Error("studio's token does not verify");
  // Never cached: the next request may come after signing in.
  if (session === null) return null;
  isolate.sessions.set(sessionKey(hash, org), session, Math.min(nowMs + sessionFreshMs, session.expiresAtMs));
  isolate.verifiedCredentials.set(hash, true, nowMs + verifiedFreshMs);
  return credentialOf(secret, session);

  async function trade(renew: boolean): Promise<CachedSession | "refused_here" | null> {
    const result = await env.SESSIONS.exchange(secret, org, requestId, renew);
    if (result.kind !== "ok") return null;
    const { accessToken } = result;
    try {
      const claims = await verifyAccessToken(accessToken, isolate.accessKeys, nowMs);
      const kid = decodeProtectedHeader(accessToken).kid ?? "";
      return { accessToken, user: claims.sub, org: claims.org, kid, expiresAtMs: claims.exp * 1000 };
    } catch (error) {
      if (error instanceof CallRefused && error.reason === "bad_signature") return "refused_here";
      throw error;
    }
  }
}

/** Signing in or out ends what this isolate remembers of the session; other isolates forget within a minute. */
export async function forgetSession(secret: string, isolate: Isolate): Promise<void> {
  const hash = await hashSecret(secret);
  isolate.sessions.deleteWhere((key) => key.startsWith(`${hash} `));
}
