import type { RouteName } from "../../../core/routes.ts";
import { ceremonyCookieName, deviceCookieName, sessionCookieName, studioHeaders } from "../../../core/rpc/studio.ts";
import { writeGeoSeen } from "../../../core/tenancy/geo-seen.ts";
import type { Admitted } from "../gates/gate.ts";
import { cookiePairs, type PresentedCredential, readPresentedCredential } from "../presented-credential.ts";
import { forgetSession } from "../verify-credential.ts";
import type { KnownRoute } from "./known-route.ts";
import { relayedHeaders } from "./relayed-headers.ts";

/**
 * What of a client's headers studio gets. Everything else stays here: any `X-Sentinel-*` of the
 * client's own, `Cookie`, `Forwarded` and its relatives, and what nobody reads.
 */
const clientHeaders = [
  "Accept",
  "Content-Type",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "If-Range",
  "Range",
  "User-Agent",
];

/** Where a body counts by a signature: the field that it is in. Nowhere else has it a meaning. */
const signatureHeader = "Stripe-Signature";

/** Signing in ends the session that the browser held before, so studio sees that one cookie there. */
const signIns: ReadonlySet<RouteName> = new Set<RouteName>([
  "login",
  "orgLogin",
  "loginMfa",
  "orgLoginMfa",
  "passkeySignIn",
  "orgPasskeySignIn",
  "finishOidc",
  "orgFinishOidc",
  "exchangeToken",
  "orgExchangeToken",
]);
/** Where failed proofs slow the next one down, studio sees whether it knows the browser (auth/device-cookie.ts). */
const deviceReaders: ReadonlySet<RouteName> = new Set<RouteName>([
  ...signIns,
  "stepUp",
  "resetPassword",
  "orgResetPassword",
  "changePassword",
]);
/** What it can look like: studio checks the rest. */
const deviceCookiePattern = /^[A-Za-z0-9._-]{1,256}$/;
/** What comes back from an outside issuer, and consent to a link, count in the browser that asked alone. */
const ceremonyReaders: ReadonlySet<RouteName> = new Set<RouteName>(["finishOidc", "orgFinishOidc", "linkIdentity"]);
const ceremonyCookiePattern = /^[A-Za-z0-9_-]{1,64}$/;
/** Only these set or clear a cookie; a `Set-Cookie` from anywhere else is dropped. */
const cookieSetters: ReadonlySet<RouteName> = new Set<RouteName>([
  ...signIns,
  "logout",
  "orgLogout",
  // A proof, or a new factor, goes on in a new session.
  "stepUp",
  "confirmTotp",
  "addPasskey",
  // The mailbox is proven: the browser becomes known.
  "resetPassword",
  "orgResetPassword",
  "startOidc",
  "orgStartOidc",
]);

/** The cookies of ours that this route has a use for, and no other. */
function cookiesFor(route: RouteName, presented: PresentedCredential, headers: Headers): string {
  const session = signIns.has(route) && presented.kind === "cookie" ? [`${sessionCookieName}=${presented.secret}`] : [];
  const device = deviceReaders.has(route) ? onlyCookie(headers, deviceCookieName, deviceCookiePattern) : [];
  const ceremony = ceremonyReaders.has(route) ? onlyCookie(headers, ceremonyCookieName, ceremonyCookiePattern) : [];
  return [...session, ...device, ...ceremony].join("; ");
}

/** The one cookie of a name. Two: somebody planted one. Known is then none of them. */
function onlyCookie(headers: Headers, wanted: string, pattern: RegExp): string[] {
  const found = cookiePairs(headers).filter(([name, value]) => name === wanted && pattern.test(value));
  return found.length === 1 ? found.map((pair) => pair.join("=")) : [];
}

/** Hands an admitted request to studio, as a request that was made here from checked parts. */
export async function forwardToStudio(admitted: Admitted, { match, org }: KnownRoute): Promise<Response> {
  const { request, env, target, body, credential, client, country, isolate } = admitted;
  const headers = new Headers();
  for (const name of clientHeaders) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  const signature = match.route.takes === "signed" ? request.headers.get(signatureHeader) : null;
  if (signature !== null) headers.set(signatureHeader, signature);
  headers.set(studioHeaders.requestId, admitted.requestId);
  headers.set(studioHeaders.route, match.name);
  headers.set(studioHeaders.clientIp, client.ip);
  if (country !== null) headers.set(studioHeaders.country, country);
  headers.set(studioHeaders.geo, writeGeoSeen({ ...admitted.geo, ip: client.ip }));
  headers.set(studioHeaders.credential, credential.kind === "user" ? credential.via : "none");
  if (org !== null) headers.set(studioHeaders.org, org.org);
  if (credential.kind === "user") headers.set("Authorization", `Bearer ${credential.accessToken}`);
  if (credential.kind === "operator") headers.set("Authorization", `Bearer ${credential.token}`);

  const presented = readPresentedCredential(request.headers);
  const setsCookie = cookieSetters.has(match.name);
  const cookies = cookiesFor(match.name, presented, request.headers);
  if (cookies !== "") headers.set("Cookie", cookies);

  const query = target.rawQuery === null ? "" : `?${target.rawQuery}`;
  // HEAD goes as GET: one handler, one policy; the body is dropped on the way out.
  const answer = await env.STUDIO.fetch(`${target.origin}${target.rawPath}${query}`, {
    method: match.route.method,
    headers,
    body,
    redirect: "manual",
  });
  if (setsCookie && presented.kind === "cookie") await forgetSession(presented.secret, isolate);
  const relayed = relayedHeaders(answer.headers);
  if (setsCookie) for (const cookie of answer.headers.getSetCookie()) relayed.append("Set-Cookie", cookie);
  return new Response(answer.body, { status: answer.status, headers: relayed });
}
