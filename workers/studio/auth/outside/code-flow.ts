import * as oauth from "oauth4webapi";
import type { Provider } from "../../../../store/control/outside/providers.ts";
import { emailOf, nameFrom, type OutsideIdentity, type Proof, saysMfa, subjectOf } from "./identity.ts";
import { IssuerRefused, IssuerUnreachable, type OutboundFetch } from "./outbound.ts";

/** What one authorization request is bound to; kept by us, never by the browser. */
export interface Bindings {
  readonly state: string;
  readonly nonce: string;
  /** PKCE's verifier (RFC 7636); only its SHA-256 leaves. */
  readonly verifier: string;
}

/** What the browser brings back. */
export interface Returned {
  readonly code?: string | undefined;
  readonly error?: string | undefined;
  readonly state: string;
  /** RFC 9207: which issuer answered. */
  readonly iss?: string | undefined;
}

/** A client secret to try, and what to do when the issuer took it. */
export interface ClientSecret {
  readonly value: string;
  readonly accepted: () => Promise<void>;
}

export interface CodeFlow {
  readonly outbound: OutboundFetch;
  readonly loopback: ReadonlySet<string>;
  readonly now: () => number;
  /** Finished key sets, by issuer: oauth4webapi's own cache, good for 300 s, asked again for an unknown key after 60 s. */
  readonly keys: (issuer: string) => oauth.JWKSCacheInput;
}

/** Fresh random bindings, 256 bits each. */
export function newBindings(): Bindings {
  return {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
  };
}

/** Where the browser goes to sign in. */
export async function authorizationUrl(
  server: oauth.AuthorizationServer,
  provider: { readonly clientId: string },
  bindings: Bindings,
  redirectUri: string,
): Promise<URL> {
  const url = new URL(server.authorization_endpoint ?? "");
  const parameters = {
    response_type: "code",
    client_id: provider.clientId,
    redirect_uri: redirectUri,
    scope: "openid email profile",
    state: bindings.state,
    nonce: bindings.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(bindings.verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url;
}

/**
 * Redeems what came back: state and `iss` first, then the code with PKCE's verifier, then the ID token with
 * nonce, issuer, audience, times and signature. The token came over TLS from the issuer itself; its signature
 * is checked all the same (OpenID Connect Core §3.1.3.7 lets it be left out), so that no proxy's answer counts.
 */
export async function redeemCode(
  flow: CodeFlow,
  server: oauth.AuthorizationServer,
  provider: Pick<Provider, "kind" | "issuer"> & { readonly clientId: string },
  asked: { readonly bindings: Bindings; readonly returned: Returned; readonly redirectUri: string },
  secrets: readonly ClientSecret[],
): Promise<Proof> {
  const client: oauth.Client = {
    client_id: provider.clientId,
    [oauth.clockSkew]: Math.round((flow.now() - Date.now()) / 1000),
  };
  const options = {
    [oauth.customFetch]: flow.outbound,
    [oauth.allowInsecureRequests]: flow.loopback.has(new URL(server.issuer).origin),
    [oauth.jwksCache]: flow.keys(server.issuer),
  };
  try {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(asked.returned)) {
      if (value !== undefined) parameters.set(name, value);
    }
    const validated = oauth.validateAuthResponse(server, client, parameters, asked.bindings.state);
    for (const secret of secrets) {
      const method = server.token_endpoint_auth_methods_supported?.includes("client_secret_basic")
        ? oauth.ClientSecretBasic
        : oauth.ClientSecretPost;
      const { verifier, nonce } = asked.bindings;
      const response = await oauth.authorizationCodeGrantRequest(
        server,
        client,
        method(secret.value),
        validated,
        asked.redirectUri,
        verifier,
        options,
      );
      // The issuer judges the client before the code, so the code is still good for the other secret.
      if (await refusesClient(response)) continue;
      const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
        expectedNonce: nonce,
        requireIdToken: true,
      });
      await oauth.validateApplicationLevelSignature(server, response, options);
      await secret.accepted();
      const claims = oauth.getValidatedIdTokenClaims(tokens);
      const identity = claims === undefined ? null : identityOf(provider.kind, claims, client.client_id);
      return identity === null ? { kind: "refused" } : { kind: "proven", identity };
    }
    return { kind: "refused" };
  } catch (error) {
    return failed(error);
  }
}

/** RFC 6749 §5.2: `invalid_client`, as 400 or 401. */
async function refusesClient(response: Response): Promise<boolean> {
  if (response.status === 401) return true;
  if (response.status !== 400) return false;
  try {
    const body: unknown = await response.clone().json();
    return (body as { error?: unknown } | null)?.error === "invalid_client";
  } catch {
    return false;
  }
}

/** Whatever oauth4webapi, jose or the outbound fetch say no to is the issuer's or the browser's fault; the rest is ours. */
export function failed(error: unknown): Proof {
  if (error instanceof IssuerUnreachable) return { kind: "unreachable" };
  const theirs =
    error instanceof IssuerRefused ||
    error instanceof oauth.OperationProcessingError ||
    error instanceof oauth.UnsupportedOperationError ||
    error instanceof oauth.ResponseBodyError ||
    error instanceof oauth.AuthorizationResponseError ||
    error instanceof oauth.WWWAuthenticateChallengeError;
  // A key or a signature that WebCrypto can't read is thrown as it comes.
  if (theirs || error instanceof DOMException || error instanceof TypeError) return { kind: "refused" };
  throw error;
}

function identityOf(kind: Provider["kind"], claims: oauth.IDToken, clientId: string): OutsideIdentity | null {
  const subject = subjectOf(claims.sub);
  // oauth4webapi looks at `azp` when there are several audiences; one that names another client never is for us.
  if (subject === null || (claims.azp !== undefined && claims.azp !== clientId)) return null;
  const verified = claims["email_verified"] === true || (kind === "microsoft" && ownsDomain(claims["xms_edov"]));
  const verifiedEmail = verified ? emailOf(claims["email"]) : null;
  const name = nameFrom(claims["name"], claims["preferred_username"]);
  return { subject, verifiedEmail, name, mfa: saysMfa({ amr: claims["amr"], acr: claims["acr"] }) };
}

/**
 * Microsoft Entra puts any text into `email`, unverified, and no `email_verified`. Its optional claim
 * `xms_edov` says that the tenant has proven the address's domain; it comes as a boolean, a number or text.
 */
function ownsDomain(claim: unknown): boolean {
  return claim === true || claim === 1 || claim === "1" || claim === "true";
}
