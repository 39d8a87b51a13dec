import { parseId, type UserId } from "../../../core/ids.ts";
import { deviceCookieName } from "../../../core/rpc/studio.ts";
import type { RequestContext } from "../pipeline/request-context.ts";
import type { Services } from "../services.ts";
import { cookieValues, hostCookie } from "./cookie.ts";
import { mac, sameBytes } from "./keys.ts";

/**
 * A browser that has signed in to an account carries a device cookie for it (OWASP, "Slow down online
 * guessing attacks with device cookies"): a stranger who fails at the account slows other strangers down,
 * not this browser. It proves nothing else and opens nothing.
 */
export interface KnownDevice {
  readonly user: UserId;
  /** 128 random bits, base64url: what its own attempts are counted by. */
  readonly id: string;
}

/** How long a browser is known after its last sign-in, in seconds: longer than a school's holidays. */
const knownSecondsMax = 90 * 24 * 3600;
const idBytes = 16;
const idPattern = /^[A-Za-z0-9_-]{22}$/;

/** The device cookie that came with a request; null when there is none that we made and that is still good. */
export function knownDevice(context: Pick<RequestContext, "services" | "cookieHeader">): KnownDevice | null {
  const { services, cookieHeader } = context;
  for (const value of cookieValues(cookieHeader, deviceCookieName)) {
    const [rawUser, id = "", issued = "", tag = "", ...rest] = value.split(".");
    const user = parseId("user", rawUser);
    if (user === null || !idPattern.test(id) || !/^\d{1,12}$/.test(issued) || rest.length > 0) continue;
    if (!sameBytes(Buffer.from(tag, "base64url"), tagOf(services, user, id, issued))) continue;
    const ageSeconds = Math.floor(services.now() / 1000) - Number(issued);
    if (ageSeconds < 0 || ageSeconds > knownSecondsMax) continue;
    return { user, id };
  }
  return null;
}

/** `Set-Cookie` for the browser of somebody who has just proven themselves; the browser keeps its id. */
export function deviceCookie(context: Pick<RequestContext, "services" | "cookieHeader">, user: UserId): string {
  const { services } = context;
  const known = knownDevice(context);
  const id = known?.user === user ? known.id : Buffer.from(services.randomBytes(idBytes)).toString("base64url");
  const issued = String(Math.floor(services.now() / 1000));
  const value = [user, id, issued, tagOf(services, user, id, issued).toString("base64url")].join(".");
  // Sign-out leaves it: it says where somebody has been, not who is there.
  return hostCookie(deviceCookieName, value, knownSecondsMax);
}

function tagOf(services: Services, user: UserId, id: string, issued: string): Buffer {
  return mac(services.keys.device, ["device cookie", user, id, issued]);
}
