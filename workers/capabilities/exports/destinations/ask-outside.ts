import type { DeliveryFailure } from "../../../../core/exports/destination.ts";
import { parseOutsideAddress } from "../../../../core/outside-address.ts";
import { readBounded } from "../../../../core/read-bounded.ts";

/** How long one request may take, in milliseconds: a part of 8 MiB at 140 KB/s. */
export const askMsMax = 60_000;
/** Largest answer that is read, in bytes: S3's are some hundreds, and of any other nothing is wanted. */
export const answerBytesMax = 64 * 1024;
/** How often one request is made before it is left to the job's next turn. */
const triesMax = 3;
/** Wait before the second try, in milliseconds; the third waits twice as long. */
const waitMs = 500;

export interface OutsideRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

export interface OutsideAnswer {
  readonly status: number;
  readonly etag: string | null;
  /** Somebody else's words: they stand for decisions, and go into no log and no answer. */
  readonly text: string;
}

/** Makes one request. @returns why there is no answer, in its stead; never throws */
export type AskOutside = (request: OutsideRequest) => Promise<OutsideAnswer | "unreachable" | "too_slow" | "refused">;

/**
 * The one way from exports to an address that an administrator wrote down: its origin is judged anew at each call,
 * redirects are not followed (they would lead past that judgement, with the bytes), size and time are bounded.
 * @param loopback origins that development lets through as they are; empty in production
 */
export function createAskOutside(
  platformFetch: typeof fetch,
  loopback: ReadonlySet<string>,
  limits: { readonly askMsMax: number } = { askMsMax },
): AskOutside {
  return async ({ method, url, headers, body }) => {
    if (parseOutsideAddress(url.origin, loopback) === null || url.username !== "" || url.password !== "")
      return "refused";
    const signal = AbortSignal.timeout(limits.askMsMax);
    try {
      const init = { method, headers: { ...headers, "user-agent": "Sentinel" }, redirect: "manual", signal } as const;
      const response = await platformFetch(url.href, method === "GET" || body.length === 0 ? init : { ...init, body });
      const bytes = await readBounded(response.body, answerBytesMax);
      const text = bytes === null ? "" : new TextDecoder().decode(bytes);
      return { status: response.status, etag: response.headers.get("ETag"), text };
    } catch {
      // The error may hold the address's own text.
      return signal.aborted ? "too_slow" : "unreachable";
    }
  };
}

/**
 * Asks until it is answered with something else than "later", three times at most.
 * @param request made anew for each try, for it says when it was signed
 * @returns an answer of 2xx, or what any other comes to
 */
export async function askPatiently(
  ask: AskOutside,
  wait: (ms: number) => Promise<void>,
  request: () => Promise<OutsideRequest>,
): Promise<OutsideAnswer | Exclude<DeliveryFailure, "destination_gone">> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask(await request());
    const failure = typeof answer === "string" ? answer : failureOf(answer);
    if (failure === null) return answer;
    if (failure === "refused" || tries === triesMax) return failure;
    await wait(waitMs * tries);
  }
}

/** S3's words for "later" that come with a status of "no". */
const passing: ReadonlySet<string> = new Set(["RequestTimeout", "OperationAborted", "TemporaryRedirect"]);

function failureOf({ status, text }: OutsideAnswer): "refused" | "refused_for_now" | null {
  if (status >= 200 && status < 300) return null;
  if (status === 408 || status === 425 || status === 429 || status >= 500) return "refused_for_now";
  return passing.has(/<Code>([A-Za-z]{1,64})<\/Code>/.exec(text)?.[1] ?? "") ? "refused_for_now" : "refused";
}
