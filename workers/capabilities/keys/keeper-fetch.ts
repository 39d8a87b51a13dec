import { KeyUnavailable } from "../../../core/crypto/key-wrapper.ts";
import { parseOutsideAddress } from "../../../core/outside-address.ts";
import { readBounded } from "../../../core/read-bounded.ts";

/** Largest answer of a keeper that is read, in bytes: a wrapped key of 8 KiB in JSON is far below. */
export const keeperAnswerBytesMax = 32 * 1024;
/** How long a keeper may take, headers and body, in milliseconds: a request may need two, before the edge's 30 s. */
export const keeperAnswerMsMax = 5_000;

export interface KeeperAnswer {
  readonly status: number;
  /** Parsed JSON, or null where it is none: somebody else's, so nothing about it is known. */
  readonly body: Readonly<Record<string, unknown>> | null;
}

/** Sends JSON to a keeper. @throws KeyUnavailable `unreachable`, or `malformed` for an address that may not be called */
export type KeeperFetch = (
  address: string,
  headers: Readonly<Record<string, string>>,
  body: string,
) => Promise<KeeperAnswer>;

/**
 * The one way from capabilities to an address that somebody else chose: the address is judged anew at each call,
 * redirects are refused (they would lead past that judgement), size and time are bounded.
 * @param loopback origins that development lets through as they are; empty in production
 */
export function createKeeperFetch(
  platformFetch: typeof fetch,
  loopback: ReadonlySet<string>,
  limits: { readonly answerMsMax: number } = { answerMsMax: keeperAnswerMsMax },
): KeeperFetch {
  return async (address, headers, body) => {
    const url = parseOutsideAddress(address, loopback);
    if (url === null) throw new KeyUnavailable("malformed");
    let status: number;
    let bytes: Uint8Array | null;
    try {
      const response = await platformFetch(url.href, {
        method: "POST",
        headers,
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(limits.answerMsMax),
      });
      status = response.status;
      bytes = await readBounded(response.body, keeperAnswerBytesMax);
    } catch {
      // The error may hold the address's own text; the reason is all that goes on.
      throw new KeyUnavailable("unreachable");
    }
    if (bytes === null || (status >= 300 && status < 400)) throw new KeyUnavailable("malformed");
    return { status, body: parseObject(bytes) };
  };
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as never) : null;
  } catch {
    return null;
  }
}
