import { parseOutsideAddress } from "../../../../core/outside-address.ts";
import { readBounded } from "../../../../core/read-bounded.ts";

/** Largest answer that is read, in bytes: Microsoft's key set, the largest of the great issuers', is under 32 KiB. */
export const answerBytesMax = 256 * 1024;
/**
 * How long one exchange with an issuer may take, headers and body, in milliseconds. A sign-in makes at most
 * four (discovery, the token with each of two secrets, keys): they end before the edge's 30 s.
 */
export const answerMsMax = 5000;

/** The issuer did not answer in time, or not at all: trying again is right. */
export class IssuerUnreachable extends Error {
  override readonly name = "IssuerUnreachable";
}
/** What the issuer answered, or wants us to call, is not acceptable: trying again changes nothing. */
export class IssuerRefused extends Error {
  override readonly name = "IssuerRefused";
}

/** Calls an issuer's endpoint; the shape that oauth4webapi takes as its `customFetch`. */
export type OutboundFetch = (
  url: string,
  init: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: unknown },
) => Promise<Response>;

/**
 * The one way from studio to an address that somebody else chose: the address is judged, redirects are
 * refused (they would lead past that judgement), size and time are bounded, no cookie goes along.
 * @throws IssuerRefused, IssuerUnreachable
 */
export function createOutboundFetch(
  platformFetch: typeof fetch,
  loopback: ReadonlySet<string>,
  limits: { readonly answerMsMax: number } = { answerMsMax },
): OutboundFetch {
  return async (address, { method = "GET", headers = {}, body }) => {
    const url = parseOutsideAddress(address, loopback);
    if (url === null) throw new IssuerRefused("the address may not be called");
    const signal = AbortSignal.timeout(limits.answerMsMax);
    try {
      const response = await platformFetch(url.href, {
        method,
        headers,
        redirect: "manual",
        signal,
        ...(body === undefined || body === null ? {} : { body: body as URLSearchParams }),
      });
      if (response.status >= 300 && response.status < 400) {
        await response.body?.cancel();
        throw new IssuerRefused("the issuer answered with a redirect");
      }
      const bytes = await readBounded(response.body, answerBytesMax);
      if (bytes === null) throw new IssuerRefused("the issuer's answer is too large");
      return new Response(bytes, { status: response.status, headers: response.headers });
    } catch (error) {
      if (error instanceof IssuerRefused) throw error;
      throw new IssuerUnreachable("the issuer did not answer", { cause: error });
    }
  };
}
