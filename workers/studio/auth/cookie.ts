import { sessionMsMax } from "../../../core/limits.ts";
import { sessionCookieName } from "../../../core/rpc/studio.ts";
import { looksLikeSecret } from "./secrets.ts";

// `__Host-` demands Secure and Path=/ and forbids Domain (RFC 6265bis §4.1.3.2). Strict: the
// dashboard is one origin and needs its cookie on no request that another site starts.
const attributes = "Path=/; Secure; HttpOnly; SameSite=Strict";

export function sessionCookie(secret: string): string {
  return `${sessionCookieName}=${secret}; ${attributes}; Max-Age=${sessionMsMax / 1000}`;
}

export function clearedSessionCookie(): string {
  return `${sessionCookieName}=; ${attributes}; Max-Age=0`;
}

/** The session secret in a Cookie header. Sign-in alone asks, to end the session it replaces. */
export function sessionSecretOf(cookieHeader: string | null): string | null {
  for (const pair of (cookieHeader ?? "").split(";")) {
    const [name, value] = pair.trim().split("=", 2);
    if (name === sessionCookieName && looksLikeSecret(value)) return value;
  }
  return null;
}
