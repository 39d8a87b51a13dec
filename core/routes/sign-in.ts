import { orgPath, publicRoute, type RouteSpec, route, signedIn, type WafExemption } from "./route.ts";

export const passwordIsOpaque: readonly WafExemption[] = [
  { field: "body.password", why: "a good password looks like an attack; it is hashed, never shown or run" },
];
export const beforeSignIn = publicRoute("nobody is signed in yet");
const mailedToken = publicRoute("the mailed token is the credential");

/** Before and at sign-in: nobody is known yet, or a credential is being traded. */
export const signInRoutes = {
  register: route({
    method: "POST",
    path: "/api/v1/auth/register",
    policy: beforeSignIn,
    rateClass: "sign_in",
    wafExemptions: passwordIsOpaque,
    summary: "Register a person",
  }),
  verifyEmail: route({
    method: "POST",
    path: "/api/v1/auth/verify-email",
    policy: beforeSignIn,
    rateClass: "sign_in",
    wafExemptions: passwordIsOpaque,
    summary: "Prove an e-mail address",
  }),
  login: route({
    method: "POST",
    path: "/api/v1/auth/login",
    policy: beforeSignIn,
    rateClass: "sign_in",
    wafExemptions: passwordIsOpaque,
    summary: "Sign in",
  }),
  orgLogin: route({
    method: "POST",
    path: `${orgPath}/auth/login`,
    policy: beforeSignIn,
    rateClass: "sign_in",
    wafExemptions: passwordIsOpaque,
    summary: "Sign in under the organisation's own geo policy",
  }),
  forgotPassword: route({
    method: "POST",
    path: "/api/v1/auth/password/forgot",
    policy: beforeSignIn,
    rateClass: "sign_in",
    summary: "Ask for a link that sets a new password",
  }),
  orgForgotPassword: route({
    method: "POST",
    path: `${orgPath}/auth/password/forgot`,
    policy: beforeSignIn,
    rateClass: "sign_in",
    summary: "Ask for a link that sets a new password, under the organisation's own geo policy",
  }),
  resetPassword: route({
    method: "POST",
    path: "/api/v1/auth/password/reset",
    policy: mailedToken,
    rateClass: "sign_in",
    wafExemptions: passwordIsOpaque,
    summary: "Set a new password with a mailed link",
  }),
  orgResetPassword: route({
    method: "POST",
    path: `${orgPath}/auth/password/reset`,
    policy: mailedToken,
    rateClass: "sign_in",
    wafExemptions: passwordIsOpaque,
    summary: "Set a new password with a mailed link, under the organisation's own geo policy",
  }),
  confirmEmail: route({
    method: "POST",
    path: "/api/v1/auth/email/confirm",
    policy: mailedToken,
    rateClass: "sign_in",
    summary: "Agree to a change of e-mail address with a mailed link",
  }),
  orgConfirmEmail: route({
    method: "POST",
    path: `${orgPath}/auth/email/confirm`,
    policy: mailedToken,
    rateClass: "sign_in",
    summary: "Agree to a change of e-mail address with a mailed link, under the organisation's own geo policy",
  }),
  refresh: route({
    method: "POST",
    path: "/api/v1/auth/refresh",
    policy: publicRoute("the refresh token is the credential"),
    rateClass: "sign_in",
    summary: "Rotate a refresh token",
  }),
  orgRefresh: route({
    method: "POST",
    path: `${orgPath}/auth/refresh`,
    policy: publicRoute("the refresh token is the credential"),
    rateClass: "sign_in",
    summary: "Rotate a refresh token under the organisation's own geo policy",
  }),
  logout: route({ method: "POST", path: "/api/v1/auth/logout", policy: signedIn, summary: "End this session" }),
  orgLogout: route({
    method: "POST",
    path: `${orgPath}/auth/logout`,
    policy: signedIn,
    summary: "End this session, under the organisation's own geo policy",
  }),
} as const satisfies Record<string, RouteSpec>;
