/**
 * Every route once. The edge reads it to judge a request (policy of whom, size, rate, WAF), studio
 * reads it to serve one, and a path that is not here does not exist.
 */
import { bodyBytesDefaultMax, type RateClass } from "./limits.ts";
import type { Permission } from "./tenancy/roles.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Who may call it. There is no default: a route without a policy does not type-check or boot. */
export type RoutePolicy =
  /** Anyone; says why that is right. */
  | { readonly kind: "public"; readonly why: string }
  /** Any signed-in person. */
  | { readonly kind: "signed_in" }
  /** A member of the organisation in the path whose role grants it. */
  | { readonly kind: "permission"; readonly permission: Permission };

/** Fields whose text the WAF does not judge, and why. Narrow: one field of one route. */
export interface WafExemption {
  readonly field: `body.${string}` | `query.${string}`;
  readonly why: string;
}

export interface RouteSpec {
  readonly method: Method;
  /** `{name}` matches one segment. */
  readonly path: string;
  readonly policy: RoutePolicy;
  /** Largest body in bytes; 0 refuses any body. */
  readonly bodyBytesMax: number;
  readonly rateClass: RateClass;
  readonly wafExemptions: readonly WafExemption[];
  /** `addressed`: the organisation's geo policy if the path names one, else the platform's. */
  readonly geo: "addressed" | { readonly anywhere: string };
  /** Which unit answers it. */
  readonly servedBy: "edge" | "studio" | "hub";
  readonly summary: string;
}

const publicRoute = (why: string): RoutePolicy => ({ kind: "public", why });
const signedIn: RoutePolicy = { kind: "signed_in" };
const needs = (permission: Permission): RoutePolicy => ({ kind: "permission", permission });

type Defaults = "bodyBytesMax" | "rateClass" | "wafExemptions" | "geo" | "servedBy";
type Declared = Omit<RouteSpec, Defaults> & Partial<Pick<RouteSpec, Defaults>>;

/** Fills what a route may leave out. `policy` is not among it. */
function route(declared: Declared): RouteSpec {
  const reads = declared.method === "GET";
  return {
    bodyBytesMax: reads ? 0 : bodyBytesDefaultMax,
    rateClass: "default",
    wafExemptions: [],
    geo: "addressed",
    servedBy: "studio",
    ...declared,
  };
}

const passwordIsOpaque: readonly WafExemption[] = [
  { field: "body.password", why: "a good password looks like an attack; it is hashed, never shown or run" },
];
const beforeSignIn = publicRoute("nobody is signed in yet");
const org = "/api/v1/orgs/{org}";

export const routes = {
  health: route({
    method: "GET",
    path: "/healthz",
    policy: publicRoute("says only that the edge runs"),
    servedBy: "edge",
    geo: { anywhere: "monitors stand in other countries" },
    summary: "The edge alone",
  }),
  ready: route({
    method: "GET",
    path: "/readyz",
    policy: publicRoute("says only which unit answers"),
    geo: { anywhere: "monitors stand in other countries" },
    summary: "Every dependency",
  }),
  jwks: route({
    method: "GET",
    path: "/.well-known/jwks.json",
    policy: publicRoute("public keys"),
    servedBy: "edge",
    summary: "Public keys of access tokens",
  }),
  openapi: route({
    method: "GET",
    path: "/api/openapi.json",
    policy: publicRoute("the documentation"),
    summary: "This document",
  }),

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
    path: `${org}/auth/login`,
    policy: beforeSignIn,
    rateClass: "sign_in",
    wafExemptions: passwordIsOpaque,
    summary: "Sign in under the organisation's own geo policy",
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
    path: `${org}/auth/refresh`,
    policy: publicRoute("the refresh token is the credential"),
    rateClass: "sign_in",
    summary: "Rotate a refresh token under the organisation's own geo policy",
  }),
  logout: route({ method: "POST", path: "/api/v1/auth/logout", policy: signedIn, summary: "End this session" }),
  orgLogout: route({
    method: "POST",
    path: `${org}/auth/logout`,
    policy: signedIn,
    summary: "End this session, under the organisation's own geo policy",
  }),
  me: route({
    method: "GET",
    path: "/api/v1/me",
    policy: signedIn,
    summary: "The signed-in person and their organisations",
  }),
  mySessions: route({ method: "GET", path: "/api/v1/me/sessions", policy: signedIn, summary: "One's own sessions" }),
  endMySession: route({
    method: "DELETE",
    path: "/api/v1/me/sessions/{session}",
    policy: signedIn,
    summary: "End one of one's own sessions",
  }),

  createOrg: route({
    method: "POST",
    path: "/api/v1/orgs",
    policy: signedIn,
    rateClass: "org_creation",
    summary: "Create an organisation",
  }),
  getOrg: route({ method: "GET", path: org, policy: needs("org:read"), summary: "One organisation" }),
  listMembers: route({ method: "GET", path: `${org}/members`, policy: needs("members:read"), summary: "Members" }),
  changeMember: route({
    method: "PATCH",
    path: `${org}/members/{user}`,
    policy: needs("members:manage"),
    summary: "Change a member's role",
  }),
  removeMember: route({
    method: "DELETE",
    path: `${org}/members/{user}`,
    policy: needs("members:manage"),
    summary: "Remove a member",
  }),
  createInvitation: route({
    method: "POST",
    path: `${org}/invitations`,
    policy: needs("members:manage"),
    summary: "Invite by e-mail",
  }),
  listInvitations: route({
    method: "GET",
    path: `${org}/invitations`,
    policy: needs("members:manage"),
    summary: "Open invitations",
  }),
  revokeInvitation: route({
    method: "DELETE",
    path: `${org}/invitations/{invitation}`,
    policy: needs("members:manage"),
    summary: "Withdraw an invitation",
  }),
  acceptInvitation: route({
    method: "POST",
    path: "/api/v1/invitations/accept",
    policy: signedIn,
    summary: "Accept an invitation",
  }),

  getPolicy: route({
    method: "GET",
    path: `${org}/policies/{policy}`,
    policy: needs("policies:read"),
    summary: "The geo or tls policy",
  }),
  putPolicy: route({
    method: "PUT",
    path: `${org}/policies/{policy}`,
    policy: needs("policies:manage"),
    summary: "Replace the geo or tls policy",
  }),

  createGroup: route({
    method: "POST",
    path: `${org}/groups`,
    policy: needs("groups:manage"),
    summary: "Create a group",
  }),
  listGroups: route({ method: "GET", path: `${org}/groups`, policy: needs("groups:read"), summary: "Groups" }),
  getGroup: route({ method: "GET", path: `${org}/groups/{group}`, policy: needs("groups:read"), summary: "One group" }),
  renameGroup: route({
    method: "PATCH",
    path: `${org}/groups/{group}`,
    policy: needs("groups:manage"),
    summary: "Rename a group",
  }),
  removeGroup: route({
    method: "DELETE",
    path: `${org}/groups/{group}`,
    policy: needs("groups:manage"),
    summary: "Remove a group",
  }),
  addGroupMember: route({
    method: "PUT",
    path: `${org}/groups/{group}/members/{user}`,
    policy: needs("groups:manage"),
    bodyBytesMax: 0,
    summary: "Assign a member to a group",
  }),
  removeGroupMember: route({
    method: "DELETE",
    path: `${org}/groups/{group}/members/{user}`,
    policy: needs("groups:manage"),
    summary: "Take a member out of a group",
  }),
  addGroupDevice: route({
    method: "PUT",
    path: `${org}/groups/{group}/devices/{device}`,
    policy: needs("groups:manage"),
    bodyBytesMax: 0,
    summary: "Put a device into a group",
  }),
  removeGroupDevice: route({
    method: "DELETE",
    path: `${org}/groups/{group}/devices/{device}`,
    policy: needs("groups:manage"),
    summary: "Take a device out of a group",
  }),

  createEnrollmentCode: route({
    method: "POST",
    path: `${org}/enrollment-codes`,
    policy: needs("enrollment:manage"),
    summary: "Make an enrolment code",
  }),
  listEnrollmentCodes: route({
    method: "GET",
    path: `${org}/enrollment-codes`,
    policy: needs("enrollment:manage"),
    summary: "Enrolment codes",
  }),
  revokeEnrollmentCode: route({
    method: "DELETE",
    path: `${org}/enrollment-codes/{code}`,
    policy: needs("enrollment:manage"),
    summary: "Revoke an enrolment code",
  }),
  enroll: route({
    method: "POST",
    path: "/api/v1/enroll",
    policy: publicRoute("the enrolment code is the credential"),
    rateClass: "enrollment",
    summary: "Enrol a device",
  }),
  orgEnroll: route({
    method: "POST",
    path: `${org}/enroll`,
    policy: publicRoute("the enrolment code is the credential"),
    rateClass: "enrollment",
    summary: "Enrol a device under the organisation's own geo policy",
  }),

  listDevices: route({ method: "GET", path: `${org}/devices`, policy: needs("devices:read"), summary: "Devices" }),
  getDevice: route({
    method: "GET",
    path: `${org}/devices/{device}`,
    policy: needs("devices:read"),
    summary: "One device",
  }),
  renameDevice: route({
    method: "PATCH",
    path: `${org}/devices/{device}`,
    policy: needs("devices:manage"),
    summary: "Rename a device",
  }),
  removeDevice: route({
    method: "DELETE",
    path: `${org}/devices/{device}`,
    policy: needs("devices:manage"),
    summary: "Remove a device and close its sockets",
  }),
  rotateDeviceToken: route({
    method: "POST",
    path: `${org}/devices/{device}/token`,
    policy: needs("devices:manage"),
    bodyBytesMax: 0,
    summary: "Replace a device's token",
  }),
  sendCommand: route({
    method: "POST",
    path: `${org}/devices/{device}/commands`,
    policy: needs("devices:command"),
    summary: "Send a command",
  }),
  listCommands: route({
    method: "GET",
    path: `${org}/devices/{device}/commands`,
    policy: needs("devices:read"),
    summary: "Commands and their replies",
  }),
  telemetry: route({
    method: "GET",
    path: `${org}/devices/{device}/telemetry`,
    policy: needs("telemetry:read"),
    summary: "Telemetry, averaged per step",
  }),

  listAudit: route({
    method: "GET",
    path: `${org}/audit`,
    policy: needs("audit:read"),
    summary: "The audit log, newest first",
  }),

  mqtt: route({
    method: "GET",
    path: "/mqtt/{org}",
    policy: publicRoute("CONNECT carries the credential; the hub verifies it"),
    rateClass: "mqtt_connect",
    servedBy: "hub",
    summary: "MQTT over WebSocket",
  }),

  dashboardOrg: route({
    method: "GET",
    path: "/o/{org}",
    policy: publicRoute("the application's shell holds no data"),
    rateClass: "assets",
    servedBy: "edge",
    summary: "Dashboard of one organisation",
  }),
  dashboardOrgPage: route({
    method: "GET",
    path: "/o/{org}/{page*}",
    policy: publicRoute("the application's shell holds no data"),
    rateClass: "assets",
    servedBy: "edge",
    summary: "Dashboard of one organisation",
  }),
  asset: route({
    method: "GET",
    path: "/assets/{file*}",
    policy: publicRoute("static files"),
    rateClass: "assets",
    servedBy: "edge",
    summary: "The dashboard's files",
  }),
  dashboard: route({
    method: "GET",
    path: "/",
    policy: publicRoute("the application's shell holds no data"),
    rateClass: "assets",
    servedBy: "edge",
    summary: "Dashboard",
  }),
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
  signInPage: route({
    method: "GET",
    path: "/sign-in",
    policy: publicRoute("the application's shell holds no data"),
    rateClass: "assets",
    servedBy: "edge",
    summary: "Dashboard: sign in",
  }),
  registerPage: route({
    method: "GET",
    path: "/register",
    policy: publicRoute("the application's shell holds no data"),
    rateClass: "assets",
    servedBy: "edge",
    summary: "Dashboard: register",
  }),
  verifyEmailPage: route({
    method: "GET",
    path: "/verify-email",
    policy: publicRoute("the application's shell holds no data"),
    rateClass: "assets",
    servedBy: "edge",
    summary: "Dashboard: verify e-mail (the token is in the fragment)",
  }),
  invitationPage: route({
    method: "GET",
    path: "/invitation",
    policy: publicRoute("the application's shell holds no data"),
    rateClass: "assets",
    servedBy: "edge",
    summary: "Dashboard: accept an invitation (the token is in the fragment)",
  }),
} as const satisfies Record<string, RouteSpec>;

export type RouteName = keyof typeof routes;

/** A matched route and the raw values of its path parameters (percent-decoding is the gates' work). */
export interface RouteMatch {
  readonly name: RouteName;
  readonly route: RouteSpec;
  readonly params: Readonly<Record<string, string>>;
}

export type RouteMiss =
  | { readonly miss: "not_found" }
  | { readonly miss: "method_not_allowed"; readonly allow: Method[] };

interface Compiled {
  readonly name: RouteName;
  readonly route: RouteSpec;
  readonly segments: readonly string[];
}

const compiled: readonly Compiled[] = Object.entries(routes).map(([name, spec]) => ({
  name: name as RouteName,
  route: spec,
  segments: spec.path.split("/").slice(1),
}));

/**
 * Finds the route of a method and path. Matching is exact: no trailing slash, no empty segment, no
 * case folding, so that the edge and studio can't disagree. `HEAD` is `GET`.
 */
export function matchRoute(method: string, path: string): RouteMatch | RouteMiss {
  const segments = path.split("/").slice(1);
  const wanted = method === "HEAD" ? "GET" : method;
  const allow: Method[] = [];
  for (const candidate of compiled) {
    const params = matchSegments(candidate.segments, segments);
    if (params === null) continue;
    if (candidate.route.method === wanted) return { name: candidate.name, route: candidate.route, params };
    allow.push(candidate.route.method);
  }
  return allow.length > 0 ? { miss: "method_not_allowed", allow } : { miss: "not_found" };
}

function matchSegments(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const rest = /^\{(\w+)\*\}$/.exec(part)?.[1];
    if (rest !== undefined) {
      const tail = segments.slice(index);
      if (tail.length === 0 || tail.some((segment) => segment === "")) return null;
      params[rest] = tail.join("/");
      return params;
    }
    const segment = segments[index];
    if (segment === undefined) return null;
    const parameter = /^\{(\w+)\}$/.exec(part)?.[1];
    if (parameter === undefined) {
      if (part !== segment) return null;
    } else {
      if (segment === "") return null;
      params[parameter] = segment;
    }
  }
  return pattern.length === segments.length ? params : null;
}
