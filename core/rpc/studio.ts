/** What studio offers to the edge besides its HTTP API (`PublicApi.fetch`). */
import type { OrgId } from "../ids.ts";

/** `SessionExchange`: the edge trades a session cookie or an API key for a short-lived token; the client never holds it. */
export interface SessionExchangeRpc {
  /**
   * @param sessionSecret the cookie's value, or an API key (`sak_…`)
   * @param org the organisation that the request addresses; the token is scoped to it if the user is a member. An
   * API key's, and that of a session that counts in one organisation alone, is for its own whatever is addressed
   * @param renew the token of a moment ago was refused: sign another one
   */
  exchange(
    sessionSecret: string,
    org: OrgId | null,
    requestId: string,
    renew?: boolean,
  ): Promise<SessionExchangeResult>;
}
export type SessionExchangeResult =
  | { readonly kind: "ok"; readonly accessToken: string; readonly expiresAtMs: number }
  | { readonly kind: "refused" };

/** Request headers the edge sets for studio; it strips any that a client sent. */
export const studioHeaders = {
  requestId: "X-Sentinel-Request-Id",
  /** Route id in core/routes.ts: edge and studio must agree on it. */
  route: "X-Sentinel-Route",
  clientIp: "X-Sentinel-Client-Ip",
  country: "X-Sentinel-Country",
  /** What the geo gate saw and how it judged it (core/tenancy/geo-seen.ts). */
  geo: "X-Sentinel-Geo",
  /** `cookie` when the edge exchanged a session cookie (CSRF checks were made), else `bearer` or `none`. */
  credential: "X-Sentinel-Credential",
  /** The organisation's id when the path names one and the edge resolved it. */
  org: "X-Sentinel-Org",
} as const;

export const sessionCookieName = "__Host-sentinel_session";
/** A browser that has signed in before (studio's auth/device-cookie.ts). Opens nothing. */
export const deviceCookieName = "__Host-sentinel_device";
/** Binds a sign-in that leaves for another site to the browser that began it (login CSRF, RFC 9700 §2.1). */
export const ceremonyCookieName = "__Host-sentinel_ceremony";
