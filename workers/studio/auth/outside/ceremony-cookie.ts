import { ceremonyCookieName } from "../../../../core/rpc/studio.ts";
import { cookieValues, hostCookie } from "../cookie.ts";
import { looksLikeSecret } from "../secrets.ts";

/** How long such a sign-in, or the consent to a link, may take, in milliseconds. */
export const ceremonyMsMax = 10 * 60_000;

/** Strict holds although the issuer redirects back: the page that it redirects to then asks us by itself. */
export function ceremonyCookie(secret: string): string {
  return hostCookie(ceremonyCookieName, secret, ceremonyMsMax / 1000);
}

/** The ceremony's secret in a Cookie header; null when there is none, or two. */
export function ceremonySecretOf(cookieHeader: string | null): string | null {
  const [value, ...others] = cookieValues(cookieHeader, ceremonyCookieName);
  return others.length === 0 && looksLikeSecret(value) ? value : null;
}
