import * as oauth from "oauth4webapi";
import { parseOutsideAddress } from "../../../../core/outside-address.ts";
import { BoundedMap } from "../../bounded-map.ts";
import { IssuerRefused, type OutboundFetch } from "./outbound.ts";

/** How long an issuer's configuration is used again, in milliseconds. */
const freshMs = 10 * 60_000;
/** Issuers that one isolate remembers: a few MB at most. */
const rememberedMax = 100;

/** Signatures that an ID token may carry: a public key of the issuer's, never a shared secret, never none (RFC 8725 §3.1). */
export const signatureAlgorithms = [
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
] as const;

/** Finds an issuer's configuration (OpenID Connect Discovery 1.0), checked. */
export interface Discovery {
  /**
   * A copy of its own for each caller, who may give it to oauth4webapi, which hangs pending requests on the
   * object: those of another request a Worker may not wait for.
   * @throws IssuerUnreachable, IssuerRefused saying what is wrong
   */
  find(issuer: string): Promise<oauth.AuthorizationServer>;
}

export function createDiscovery(outbound: OutboundFetch, loopback: ReadonlySet<string>, now: () => number): Discovery {
  const remembered = new BoundedMap<{ readonly server: oauth.AuthorizationServer; readonly atMs: number }>(
    rememberedMax,
  );
  return {
    async find(issuer) {
      const known = remembered.get(issuer);
      if (known !== undefined && now() - known.atMs < freshMs) return structuredClone(known.server);
      const server = await discover(issuer, outbound, loopback);
      remembered.set(issuer, { server, atMs: now() });
      return structuredClone(server);
    },
  };
}

async function discover(
  issuer: string,
  outbound: OutboundFetch,
  loopback: ReadonlySet<string>,
): Promise<oauth.AuthorizationServer> {
  const url = parseOutsideAddress(issuer, loopback);
  if (url === null) throw new IssuerRefused("the issuer's address may not be called");
  const options = { [oauth.customFetch]: outbound, [oauth.allowInsecureRequests]: loopback.has(url.origin) };
  const response = await outboundOnly(oauth.discoveryRequest(url, options));
  let document: oauth.AuthorizationServer;
  try {
    document = await oauth.processDiscoveryResponse(url, response);
  } catch (cause) {
    throw new IssuerRefused("there is no OpenID configuration of this issuer", { cause });
  }
  return checked(document, issuer, loopback);
}

/** oauth4webapi passes our own errors through; whatever else it throws is about the issuer. */
async function outboundOnly(request: Promise<Response>): Promise<Response> {
  try {
    return await request;
  } catch (error) {
    throw error instanceof Error && error.name.startsWith("Issuer")
      ? error
      : new IssuerRefused("the issuer can't be asked");
  }
}

/** Only the members that are used, each checked: what else a document carries is not looked at. */
function checked(
  document: oauth.AuthorizationServer,
  issuer: string,
  loopback: ReadonlySet<string>,
): oauth.AuthorizationServer {
  // Exactly, as OpenID Connect Discovery §4.3 has it: oauth4webapi compares as URLs, which forgives a slash.
  // Microsoft's document for all tenants has a template here, `{tenantid}`: such an issuer is none.
  if (document.issuer !== issuer) throw new IssuerRefused("the issuer names itself otherwise");
  const endpoint = (name: "authorization_endpoint" | "token_endpoint" | "jwks_uri"): string => {
    const url = parseOutsideAddress(document[name], loopback);
    if (url === null) throw new IssuerRefused(`its ${name} may not be called`);
    return url.href;
  };
  const methods = document.code_challenge_methods_supported;
  if (Array.isArray(methods) && !methods.includes("S256")) throw new IssuerRefused("it does not take PKCE with S256");
  const offered = document.id_token_signing_alg_values_supported;
  const algorithms = signatureAlgorithms.filter((algorithm) =>
    Array.isArray(offered) ? offered.includes(algorithm) : algorithm === "RS256",
  );
  if (algorithms.length === 0) throw new IssuerRefused("it signs with no public key");
  return {
    issuer,
    authorization_endpoint: endpoint("authorization_endpoint"),
    token_endpoint: endpoint("token_endpoint"),
    jwks_uri: endpoint("jwks_uri"),
    id_token_signing_alg_values_supported: algorithms,
    authorization_response_iss_parameter_supported: document.authorization_response_iss_parameter_supported === true,
    token_endpoint_auth_methods_supported: listOf(document.token_endpoint_auth_methods_supported),
  };
}

function listOf(value: unknown): string[] {
  // The default of OpenID Connect Discovery §3.
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : ["client_secret_basic"];
}
