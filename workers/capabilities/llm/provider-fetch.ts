import { parseProviderAddress } from "../../../core/llm/provider.ts";
import { type Asked, askWithin, type ProviderTimes, providerTimes } from "./asked.ts";

/** What is sent to a provider. */
export interface Post {
  readonly baseUrl: string;
  /** Behind the base address; ours, never an administrator's. */
  readonly path: string;
  /** With the key. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends a question to a provider. Never throws. */
export type ProviderFetch = (post: Post) => Promise<Asked>;

/**
 * The one way from here to an address that an administrator wrote down: judged anew at each call, redirects refused (they
 * would lead past that judgement), size and time bounded.
 * @param hosts that the platform lists
 * @param loopback origins that development lets through as they are; empty in production
 */
export function createProviderFetch(
  platformFetch: typeof fetch,
  hosts: ReadonlySet<string>,
  loopback: ReadonlySet<string>,
  times: ProviderTimes = providerTimes,
): ProviderFetch {
  return async ({ baseUrl, path, headers, body }) => {
    const url = parseProviderAddress(baseUrl, hosts, loopback);
    // It was allowed when it was written down, and is no more.
    if (url === null) return { kind: "failed", mayHaveCost: false };
    return askWithin(times, (signal) =>
      platformFetch(`${url.href.replace(/\/$/, "")}${path}`, {
        method: "POST",
        headers: { ...headers, "Content-Type": "application/json" },
        body,
        redirect: "manual",
        signal,
      }),
    );
  };
}
