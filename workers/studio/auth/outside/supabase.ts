import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import type { Provider } from "../../../../store/control/outside/providers.ts";
import { BoundedMap } from "../../bounded-map.ts";
import type { ClientSecret } from "./code-flow.ts";
import { emailOf, nameFrom, type Proof, subjectOf } from "./identity.ts";
import { IssuerRefused, IssuerUnreachable, type OutboundFetch } from "./outbound.ts";

/** What Supabase Auth signs with when a project has asymmetric keys. */
const publicAlgorithms = ["ES256", "RS256", "EdDSA"];
/** Supabase's word for somebody who is signed in. */
const audience = "authenticated";
/** A token must not be older than a session of ours may become, in seconds. */
const tokenAgeSecondsMax = 24 * 3600;
/** Skew between Supabase's clock and ours, in seconds. */
const clockSkewSecondsMax = 10;

/** How long a fetched key set is used, in milliseconds. */
const keysFreshMs = 10 * 60_000;
/** An unknown key asks again at most this often, in milliseconds: tokens come from strangers, and so do their kids. */
const unknownKeyCooldownMs = 30_000;
/** Key sets that one isolate remembers. */
const keySetsMax = 100;

export interface IssuerKeys {
  /**
   * An issuer's key set. Only finished sets are shared between requests.
   * @param unknown the one before did not have the token's key: a newer one is wanted, if the cool-down allows
   * @throws IssuerUnreachable, IssuerRefused
   */
  of(issuer: string, unknown: boolean): Promise<JSONWebKeySet>;
}

export function createIssuerKeys(outbound: OutboundFetch, now: () => number): IssuerKeys {
  const remembered = new BoundedMap<{ readonly set: JSONWebKeySet; readonly atMs: number; askedAtMs: number }>(
    keySetsMax,
  );
  return {
    async of(issuer, unknown) {
      const known = remembered.get(issuer);
      if (known !== undefined) {
        const wanted = unknown || now() - known.atMs >= keysFreshMs;
        if (!wanted || now() - known.askedAtMs < unknownKeyCooldownMs) return known.set;
        // Before the answer: a failing issuer is not asked more often than one that answers.
        known.askedAtMs = now();
      }
      const response = await outbound(`${issuer}/.well-known/jwks.json`, { headers: { accept: "application/json" } });
      const set = response.status === 200 ? await keySetOf(response) : null;
      if (set === null) throw new IssuerRefused("the issuer publishes no keys");
      remembered.set(issuer, { set, atMs: now(), askedAtMs: now() });
      return set;
    },
  };
}

async function keySetOf(response: Response): Promise<JSONWebKeySet | null> {
  try {
    const set = (await response.json()) as { keys?: unknown } | null;
    if (!Array.isArray(set?.keys)) return null;
    // A shared secret in a public key set would verify what anybody made.
    return { keys: set.keys.filter((key) => (key as { kty?: unknown } | null)?.kty !== "oct") };
  } catch {
    return null;
  }
}

/** The issuer that a token names, unverified: it only chooses the provider whose keys must then verify it. */
export function namedIssuer(token: string): string | null {
  try {
    return decodeJwt(token).iss ?? null;
  } catch {
    return null;
  }
}

/** Verifies an access token of Supabase Auth: signature, issuer, audience, expiry, and that it is a person's. */
export async function verifySupabaseToken(
  token: string,
  provider: Pick<Provider, "issuer" | "signing" | "confirmsEmail">,
  keys: IssuerKeys,
  secrets: readonly ClientSecret[],
  nowMs: number,
): Promise<Proof> {
  try {
    const claims =
      provider.signing === "jwks"
        ? await verifyByKeys(token, provider.issuer, keys, nowMs)
        : await verifyBySecret(token, provider.issuer, secrets, nowMs);
    const subject = subjectOf(claims.sub);
    // `role` also tells the project's own service key; an anonymous user is nobody in particular.
    if (subject === null || claims["role"] !== audience || claims["is_anonymous"] === true) return { kind: "refused" };
    // The token says nothing trustworthy of the address being confirmed (`user_metadata` is the user's own to
    // write): only the project's administrator can know that it always is.
    const verifiedEmail = provider.confirmsEmail ? emailOf(claims["email"]) : null;
    const metadata = claims["user_metadata"] as { full_name?: unknown; name?: unknown } | null | undefined;
    const name = nameFrom(metadata?.full_name, metadata?.name);
    return { kind: "proven", identity: { subject, verifiedEmail, name, mfa: claims["aal"] === "aal2" } };
  } catch (error) {
    if (error instanceof IssuerUnreachable) return { kind: "unreachable" };
    if (error instanceof IssuerRefused || error instanceof errors.JOSEError) return { kind: "refused" };
    if (error instanceof DOMException || error instanceof TypeError) return { kind: "refused" };
    throw error;
  }
}

const checks = (issuer: string, nowMs: number) => ({
  issuer,
  audience,
  requiredClaims: ["exp", "iat", "sub"],
  clockTolerance: clockSkewSecondsMax,
  maxTokenAge: tokenAgeSecondsMax,
  currentDate: new Date(nowMs),
});

async function verifyByKeys(token: string, issuer: string, keys: IssuerKeys, nowMs: number): Promise<JWTPayload> {
  const options = { ...checks(issuer, nowMs), algorithms: publicAlgorithms };
  try {
    return (await jwtVerify(token, createLocalJWKSet(await keys.of(issuer, false)), options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    return (await jwtVerify(token, createLocalJWKSet(await keys.of(issuer, true)), options)).payload;
  }
}

async function verifyBySecret(
  token: string,
  issuer: string,
  secrets: readonly ClientSecret[],
  nowMs: number,
): Promise<JWTPayload> {
  const options = { ...checks(issuer, nowMs), algorithms: ["HS256"] };
  for (const secret of secrets) {
    try {
      const { payload } = await jwtVerify(token, new TextEncoder().encode(secret.value), options);
      await secret.accepted();
      return payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new IssuerRefused("no secret verifies the token");
}
