import type { RouteDefinition } from "../http/define-route.ts";
import { exchangeToken, orgExchangeToken } from "./auth/exchange.ts";
import { finishOidc, orgFinishOidc } from "./auth/oidc-callback.ts";
import { orgStartOidc, startOidc } from "./auth/oidc-start.ts";
import { orgSignInProviders, signInProviders } from "./auth/providers.ts";
import {
  addProviderSecret,
  changeIdentityProvider,
  createIdentityProvider,
  getIdentityProvider,
  listIdentityProviders,
  removeIdentityProvider,
  retireProviderSecret,
} from "./identity-providers/definitions.ts";
import { linkIdentity, myIdentities, removeIdentity } from "./me/identities.ts";
import {
  addPlatformProviderSecret,
  changePlatformProvider,
  createPlatformProvider,
  getPlatformProvider,
  listPlatformProviders,
  removePlatformProvider,
  retirePlatformProviderSecret,
} from "./operator/identity-providers.ts";

/** Everything about outside issuers (core/routes/outside-issuers.ts). */
export const outsideIssuerDefinitions: readonly RouteDefinition[] = [
  exchangeToken,
  orgExchangeToken,
  finishOidc,
  orgFinishOidc,
  orgStartOidc,
  startOidc,
  orgSignInProviders,
  signInProviders,
  addProviderSecret,
  changeIdentityProvider,
  createIdentityProvider,
  getIdentityProvider,
  listIdentityProviders,
  removeIdentityProvider,
  retireProviderSecret,
  linkIdentity,
  myIdentities,
  removeIdentity,
  addPlatformProviderSecret,
  changePlatformProvider,
  createPlatformProvider,
  getPlatformProvider,
  listPlatformProviders,
  removePlatformProvider,
  retirePlatformProviderSecret,
];
