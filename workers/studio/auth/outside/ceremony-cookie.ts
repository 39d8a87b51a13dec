import { ceremonyCookieName } from "../../../../core/rpc/studio.ts";
import { looksLikeSecret } from "../secrets.ts";

/** How long such a sign-in, or the consent to a link, may take, in milliseconds. */
export const ceremonyMsMax = 10 * 60_000;

// Strict holds although the issuer redirects back: the page that it redirects to then asks us by itself.
const attributes = "Path=/; Secure; HttpOnly; SameSite=Strict";

export function ceremonyCookie(secret: string): string {
  return `${ceremonyCookieName}=${secret}; ${attributes}; Max-Age=${ceremonyMsMax / 1000}`;
}

/** The ceremony's secret in a Cookie header; null when there is none, or two. */
export function ceremonySecretOf(cookieHeader: string | null): string | null {
  const values = (cookieHeader ?? "")
    .split(";")
    .map((pair) => pair.trim().split("=", 2))
    .filter(([name]) => name === ceremonyCookieName)
    .map(([, value]) => value);
  const [value] = values;
  return values.length === 1 && looksLikeSecret(value) ? value : null;
}
