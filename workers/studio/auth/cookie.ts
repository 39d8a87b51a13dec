import { sessionMsMax } from "../../../core/limits.ts";
import { sessionCookieName } from "../../../core/rpc/studio.ts";
import { looksLikeSecret } from "./secrets.ts";

/**
 * A cookie for this host alone, that no script reads: `__Host-` demands Secure and Path=/ and forbids Domain
 * (RFC 6265bis §4.1.3.2). Strict: the dashboard is one origin and needs its cookies on no request that another
 * site starts.
 * @param name begins with `__Host-`
 */
export function hostCookie(name: `__Host-${string}`, value: string, secondsMax: number): string {
  return `${name}=${value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=${secondsMax}`;
}

/** Every value that a Cookie header has under a name, in its order: a browser may have been made to send several. */
export function cookieValues(cookieHeader: string | null, name: string): string[] {
  return (cookieHeader ?? "")
    .split(";")
    .map((pair) => pair.trim().split("=", 2))
    .filter(([given]) => given === name)
    .map(([, value = ""]) => value);
}

export function sessionCookie(secret: string): string {
  return hostCookie(sessionCookieName, secret, sessionMsMax / 1000);
}

export function clearedSessionCookie(): string {
  return hostCookie(sessionCookieName, "", 0);
}

/** The session secret in a Cookie header. Sign-in alone asks, to end the session it replaces. */
export function sessionSecretOf(cookieHeader: string | null): string | null {
  return cookieValues(cookieHeader, sessionCookieName).find(looksLikeSecret) ?? null;
}
