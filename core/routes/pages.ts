import { publicRoute, type RouteSpec, route } from "./route.ts";

/** The application's shell at one more address; its scripts read the address. */
const page = (path: string, summary: string): RouteSpec =>
  route({
    method: "GET",
    path,
    policy: publicRoute("the application's shell holds no data"),
    rateClass: "assets",
    servedBy: "edge",
    summary,
  });

/** The dashboard's pages and files, which hold no data. */
export const pagesRoutes = {
  dashboardOrg: page("/o/{org}", "Dashboard of one organisation"),
  dashboardOrgPage: page("/o/{org}/{page*}", "Dashboard of one organisation"),
  asset: route({
    method: "GET",
    path: "/assets/{file*}",
    policy: publicRoute("static files"),
    rateClass: "assets",
    servedBy: "edge",
    summary: "The dashboard's files",
  }),
  dashboard: page("/", "Dashboard"),
  favicon: route({
    method: "GET",
    path: "/favicon.svg",
    policy: publicRoute("static file"),
    rateClass: "assets",
    servedBy: "edge",
    summary: "Icon",
  }),
  agentProgram: route({
    method: "GET",
    path: "/download/sentinel-agent.mjs",
    policy: publicRoute("the program holds no secret; the enrolment code does"),
    rateClass: "assets",
    servedBy: "edge",
    summary: "The device agent, one file",
  }),
  signInPage: page("/sign-in", "Dashboard: sign in"),
  registerPage: page("/register", "Dashboard: register"),
  verifyEmailPage: page("/verify-email", "Dashboard: verify e-mail (the token is in the fragment)"),
  invitationPage: page("/invitation", "Dashboard: accept an invitation (the token is in the fragment)"),
  signInCallbackPage: page("/sign-in/callback", "Dashboard: back from an identity provider"),
  forgotPasswordPage: page("/forgot-password", "Dashboard: ask for a link that sets a new password"),
  resetPasswordPage: page("/reset-password", "Dashboard: set a new password (the token is in the fragment)"),
  confirmEmailPage: page("/confirm-email", "Dashboard: confirm a change of e-mail (the token is in the fragment)"),
  accountSecurityPage: page("/account/security", "Dashboard: one's own password, factors and sessions"),
} as const satisfies Record<string, RouteSpec>;
