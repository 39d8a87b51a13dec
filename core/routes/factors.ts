import { orgPath, publicRoute, type RouteSpec, route, signedIn } from "./route.ts";
import { passwordIsOpaque } from "./sign-in.ts";

const secondStep = publicRoute("the challenge is the credential of the first step");
const passkeyIsAsked = publicRoute("nobody is signed in yet; a passkey proves who it is");

/** Second factors and passkeys: at sign-in, to prove oneself again, and as settings of one's own. */
export const factorsRoutes = {
  loginMfa: route({
    method: "POST",
    path: "/api/v1/auth/login/mfa",
    policy: secondStep,
    rateClass: "sign_in",
    summary: "Finish a sign-in with a second factor",
  }),
  orgLoginMfa: route({
    method: "POST",
    path: `${orgPath}/auth/login/mfa`,
    policy: secondStep,
    rateClass: "sign_in",
    summary: "Finish a sign-in with a second factor, under the organisation's own geo policy",
  }),
  loginMfaPasskeyOptions: route({
    method: "POST",
    path: "/api/v1/auth/login/mfa/passkey-options",
    policy: secondStep,
    rateClass: "sign_in",
    summary: "What a passkey is asked for as a second factor",
  }),
  orgLoginMfaPasskeyOptions: route({
    method: "POST",
    path: `${orgPath}/auth/login/mfa/passkey-options`,
    policy: secondStep,
    rateClass: "sign_in",
    summary: "What a passkey is asked for as a second factor, under the organisation's own geo policy",
  }),
  // Not counted as a guess: each look at the sign-in page asks once, and a school stands behind one address.
  passkeySignInOptions: route({
    method: "POST",
    path: "/api/v1/auth/passkey/options",
    policy: passkeyIsAsked,
    summary: "Begin a sign-in with a passkey",
  }),
  orgPasskeySignInOptions: route({
    method: "POST",
    path: `${orgPath}/auth/passkey/options`,
    policy: passkeyIsAsked,
    summary: "Begin a sign-in with a passkey, under the organisation's own geo policy",
  }),
  passkeySignIn: route({
    method: "POST",
    path: "/api/v1/auth/passkey",
    policy: passkeyIsAsked,
    rateClass: "sign_in",
    summary: "Sign in with a passkey",
  }),
  orgPasskeySignIn: route({
    method: "POST",
    path: `${orgPath}/auth/passkey`,
    policy: passkeyIsAsked,
    rateClass: "sign_in",
    summary: "Sign in with a passkey, under the organisation's own geo policy",
  }),
  security: route({
    method: "GET",
    path: "/api/v1/me/security",
    policy: signedIn,
    summary: "What one can prove oneself with",
  }),
  stepUp: route({
    method: "POST",
    path: "/api/v1/me/step-up",
    policy: signedIn,
    rateClass: "mfa",
    wafExemptions: passwordIsOpaque,
    summary: "Prove again that it is you",
  }),
  stepUpPasskeyOptions: route({
    method: "POST",
    path: "/api/v1/me/step-up/passkey-options",
    policy: signedIn,
    rateClass: "mfa",
    summary: "What a passkey is asked for to prove it again",
  }),
  addTotp: route({
    method: "POST",
    path: "/api/v1/me/mfa/totp",
    policy: signedIn,
    stepUp: true,
    summary: "Begin to set up an authenticator app",
  }),
  confirmTotp: route({
    method: "POST",
    path: "/api/v1/me/mfa/totp/confirm",
    policy: signedIn,
    rateClass: "mfa",
    stepUp: true,
    summary: "Finish it with the app's first code",
  }),
  removeTotp: route({
    method: "DELETE",
    path: "/api/v1/me/mfa/totp",
    policy: signedIn,
    stepUp: true,
    summary: "Remove the authenticator app",
  }),
  passkeyRegistrationOptions: route({
    method: "POST",
    path: "/api/v1/me/passkeys/options",
    policy: signedIn,
    stepUp: true,
    summary: "Begin to register a passkey",
  }),
  addPasskey: route({
    method: "POST",
    path: "/api/v1/me/passkeys",
    policy: signedIn,
    stepUp: true,
    summary: "Register a passkey",
  }),
  listPasskeys: route({ method: "GET", path: "/api/v1/me/passkeys", policy: signedIn, summary: "One's own passkeys" }),
  renamePasskey: route({
    method: "PATCH",
    path: "/api/v1/me/passkeys/{passkey}",
    policy: signedIn,
    summary: "Rename a passkey",
  }),
  removePasskey: route({
    method: "DELETE",
    path: "/api/v1/me/passkeys/{passkey}",
    policy: signedIn,
    stepUp: true,
    summary: "Remove a passkey",
  }),
  recoveryCodes: route({
    method: "GET",
    path: "/api/v1/me/recovery-codes",
    policy: signedIn,
    summary: "How many recovery codes are left",
  }),
  renewRecoveryCodes: route({
    method: "POST",
    path: "/api/v1/me/recovery-codes",
    policy: signedIn,
    stepUp: true,
    summary: "Make new recovery codes; the old ones end",
  }),
} as const satisfies Record<string, RouteSpec>;
