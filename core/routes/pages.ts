import { publicRoute, type RouteSpec, route } from "./route.ts";

/** The application's shell at one more address; its scripts read the address. */
const page = (path: string, summary: string, geo: RouteSpec["geo"] = "addressed"): RouteSpec =>
  route({
    method: "GET",
    path,
    policy: publicRoute("the application's shell holds no data"),
    rateClass: "assets",
    servedBy: "edge",
    geo,
    summary,
  });

/**
 * Files are the same for everybody and tell nothing. They go wherever a page of them goes: to an organisation in
 * another country, and to whoever breaks the glass.
 */
const everywhere = { anywhere: "an organisation's own policy lets its page in; a page without its files is none" };

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
    geo: everywhere,
    summary: "The dashboard's files",
  }),
  dashboard: page("/", "Dashboard"),
  favicon: route({
    method: "GET",
    path: "/favicon.svg",
    policy: publicRoute("static file"),
    rateClass: "assets",
    servedBy: "edge",
    geo: everywhere,
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
  breakGlassPage: page("/break-glass", "Dashboard: use a break-glass code", {
    anywhere: "it is for whoever a geo policy keeps out",
  }),
  registerPage: page("/register", "Dashboard: register"),
  verifyEmailPage: page("/verify-email", "Dashboard: verify e-mail (the token is in the fragment)"),
  invitationPage: page("/invitation", "Dashboard: accept an invitation (the token is in the fragment)"),
  signInCallbackPage: page("/sign-in/callback", "Dashboard: back from an identity provider"),
  forgotPasswordPage: page("/forgot-password", "Dashboard: ask for a link that sets a new password"),
  resetPasswordPage: page("/reset-password", "Dashboard: set a new password (the token is in the fragment)"),
  confirmEmailPage: page("/confirm-email", "Dashboard: confirm a change of e-mail (the token is in the fragment)"),
  accountSecurityPage: page("/account/security", "Dashboard: one's own password, factors and sessions"),
} as const satisfies Record<string, RouteSpec>;
