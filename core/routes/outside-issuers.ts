import {
  needs,
  operatorRoute,
  orgPath,
  publicRoute,
  type RouteSpec,
  route,
  signedIn,
  type WafExemption,
} from "./route.ts";
import { beforeSignIn } from "./sign-in.ts";

/** What an issuer hands a browser to bring to us: made by it, compared or verified by us, never shown or run. */
const issued: readonly WafExemption[] = (["code", "state", "iss", "error"] as const).map((name) => ({
  field: `body.${name}`,
  why: "an issuer's own text, perhaps an address; compared with what is kept or sent back to the issuer, no more",
}));
const accessToken: readonly WafExemption[] = [
  { field: "body.access_token", why: "a signed token in base64url; verified, never shown or run" },
];
/** What an administrator copies out of an issuer's console. */
const copied: readonly WafExemption[] = [
  { field: "body.client_secret", why: "a good secret looks like an attack; it is sealed, never shown" },
  { field: "body.issuer", why: "an address to call, by rules of its own (core/outside-address.ts)" },
  { field: "body.client_id", why: "the issuer's own spelling, often a host name; sent back to the issuer alone" },
];

const providers = `${orgPath}/identity-providers`;
const platformProviders = "/api/v1/operator/identity-providers";
const administers = needs("identity_providers:manage");

/** Signing in with an outside issuer, the identities that come of it, and who may configure issuers. */
export const outsideIssuersRoutes = {
  signInProviders: route({
    method: "GET",
    path: "/api/v1/auth/providers",
    policy: beforeSignIn,
    summary: "Outside issuers of the platform's door",
  }),
  orgSignInProviders: route({
    method: "GET",
    path: `${orgPath}/auth/providers`,
    policy: beforeSignIn,
    summary: "Outside issuers of an organisation's door: its own and the platform's",
  }),
  startOidc: route({
    method: "POST",
    path: "/api/v1/auth/oidc/{provider}/start",
    policy: beforeSignIn,
    rateClass: "sign_in",
    summary: "Begin a sign-in at an outside issuer",
  }),
  orgStartOidc: route({
    method: "POST",
    path: `${orgPath}/auth/oidc/{provider}/start`,
    policy: beforeSignIn,
    rateClass: "sign_in",
    summary: "Begin a sign-in at an outside issuer, at the organisation's own door",
  }),
  finishOidc: route({
    method: "POST",
    path: "/api/v1/auth/oidc/callback",
    policy: beforeSignIn,
    rateClass: "sign_in",
    wafExemptions: issued,
    summary: "Complete a sign-in at an outside issuer",
  }),
  orgFinishOidc: route({
    method: "POST",
    path: `${orgPath}/auth/oidc/callback`,
    policy: beforeSignIn,
    rateClass: "sign_in",
    wafExemptions: issued,
    summary: "Complete a sign-in at an outside issuer, at the organisation's own door",
  }),
  exchangeToken: route({
    method: "POST",
    path: "/api/v1/auth/exchange",
    policy: publicRoute("the presented token is the credential"),
    rateClass: "sign_in",
    wafExemptions: accessToken,
    summary: "Sign in with an access token of Supabase Auth",
  }),
  orgExchangeToken: route({
    method: "POST",
    path: `${orgPath}/auth/exchange`,
    policy: publicRoute("the presented token is the credential"),
    rateClass: "sign_in",
    wafExemptions: accessToken,
    summary: "Sign in with an access token of Supabase Auth, at the organisation's own door",
  }),
  myIdentities: route({
    method: "GET",
    path: "/api/v1/me/identities",
    policy: signedIn,
    summary: "One's own identities at outside issuers",
  }),
  linkIdentity: route({
    method: "POST",
    path: "/api/v1/me/identities/link",
    policy: signedIn,
    stepUp: true,
    summary: "Consent to link an outside identity to one's account",
  }),
  removeIdentity: route({
    method: "DELETE",
    path: "/api/v1/me/identities/{provider}",
    policy: signedIn,
    stepUp: true,
    summary: "Unlink an outside identity",
  }),
  listIdentityProviders: route({
    method: "GET",
    path: providers,
    policy: administers,
    summary: "The organisation's identity providers",
  }),
  createIdentityProvider: route({
    method: "POST",
    path: providers,
    policy: administers,
    stepUp: true,
    wafExemptions: copied,
    summary: "Add an identity provider",
  }),
  getIdentityProvider: route({
    method: "GET",
    path: `${providers}/{provider}`,
    policy: administers,
    summary: "One identity provider",
  }),
  changeIdentityProvider: route({
    method: "PATCH",
    path: `${providers}/{provider}`,
    policy: administers,
    stepUp: true,
    summary: "Change an identity provider's settings",
  }),
  removeIdentityProvider: route({
    method: "DELETE",
    path: `${providers}/{provider}`,
    policy: administers,
    stepUp: true,
    summary: "Remove an identity provider and every identity of it",
  }),
  addProviderSecret: route({
    method: "POST",
    path: `${providers}/{provider}/secrets`,
    policy: administers,
    stepUp: true,
    wafExemptions: copied,
    summary: "Add a new client secret; the older one stays good for the overlap",
  }),
  retireProviderSecret: route({
    method: "DELETE",
    path: `${providers}/{provider}/secrets/{secret}`,
    policy: administers,
    stepUp: true,
    summary: "Retire a client secret at once",
  }),
  listPlatformProviders: route({
    method: "GET",
    path: platformProviders,
    policy: operatorRoute,
    summary: "The platform's identity providers",
  }),
  createPlatformProvider: route({
    method: "POST",
    path: platformProviders,
    policy: operatorRoute,
    wafExemptions: copied,
    summary: "Add an identity provider to the platform",
  }),
  getPlatformProvider: route({
    method: "GET",
    path: `${platformProviders}/{provider}`,
    policy: operatorRoute,
    summary: "One identity provider of the platform",
  }),
  changePlatformProvider: route({
    method: "PATCH",
    path: `${platformProviders}/{provider}`,
    policy: operatorRoute,
    summary: "Change the settings of one of the platform's identity providers",
  }),
  removePlatformProvider: route({
    method: "DELETE",
    path: `${platformProviders}/{provider}`,
    policy: operatorRoute,
    summary: "Remove one of the platform's identity providers and every identity of it",
  }),
  addPlatformProviderSecret: route({
    method: "POST",
    path: `${platformProviders}/{provider}/secrets`,
    policy: operatorRoute,
    wafExemptions: copied,
    summary: "Add a new client secret to one of the platform's identity providers",
  }),
  retirePlatformProviderSecret: route({
    method: "DELETE",
    path: `${platformProviders}/{provider}/secrets/{secret}`,
    policy: operatorRoute,
    summary: "Retire a client secret of one of the platform's identity providers",
  }),
} as const satisfies Record<string, RouteSpec>;
