import { retryAfterOf, type Sent } from "../../../../core/audit/stream/verdict.ts";
import { parseOutsideAddress } from "../../../../core/outside-address.ts";

/** How long a destination may take to answer, in milliseconds: one that stalls holds one turn up, and no other. */
export const postMsMax = 10_000;

/** Posts one message. Never throws: what went wrong is a destination's affair. */
export type PostMessage = (address: string, headers: Readonly<Record<string, string>>, body: string) => Promise<Sent>;

/**
 * The one way from studio to a SIEM: the address is judged at each call, redirects are not followed (they would lead
 * past that judgement), time is bounded, and of the answer nothing is read but its status and one header.
 * @param loopback origins that development lets through as they are; empty in production
 */
export function createPostMessage(
  platformFetch: typeof fetch,
  loopback: ReadonlySet<string>,
  limits: { readonly postMsMax: number } = { postMsMax },
): PostMessage {
  return async (address, headers, body) => {
    const url = parseOutsideAddress(address, loopback);
    if (url === null) return { status: null, retryAfterSeconds: null };
    try {
      const response = await platformFetch(url.href, {
        method: "POST",
        headers: { ...headers, "Content-Type": "application/json", "User-Agent": "Sentinel" },
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(limits.postMsMax),
      });
      const retryAfterSeconds = retryAfterOf(response.headers.get("Retry-After"));
      // Its text is nobody's business here, however long it is.
      await response.body?.cancel();
      return { status: response.status, retryAfterSeconds };
    } catch {
      return { status: null, retryAfterSeconds: null };
    }
  };
}
