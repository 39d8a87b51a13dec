import { backendAssertionHeader } from "../../../core/backends/assertion.ts";
import type { BackendMethod } from "../../../core/backends/backend-route.ts";
import type { Heard } from "../../../core/backends/circuit.ts";
import { isPassing, mayRepeat, pauseBeforeRetry } from "../../../core/backends/retry.ts";
import type { RequestId } from "../../../core/ids.ts";
import { type BackendAnswer, readAnswer } from "./read-answer.ts";
import type { Backend } from "./registry.ts";
import { beginTrace, type Trace } from "./trace.ts";

/** A request that the registration takes. */
export interface BackendRequest {
  readonly method: BackendMethod;
  /** As `findBackendRoute` took it. */
  readonly rest: string;
  readonly query: Readonly<Record<string, string>>;
  /** JSON; null: none. */
  readonly body: string | null;
  /** What the backend is to know a repetition by; null: nothing. */
  readonly idempotencyKey: string | null;
  /** The backend heeds it. */
  readonly keyHonoured: boolean;
  readonly requestId: RequestId;
}

export interface CallDependencies {
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Resolves after so many milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
}

export type BackendOutcome =
  | BackendAnswer
  | { readonly kind: "timed_out" }
  /** No connection: nobody there, or a handshake that either side refused. */
  | { readonly kind: "unreachable" };

export interface Called {
  readonly outcome: BackendOutcome;
  /** Of all tries, for the circuit. */
  readonly heard: Heard;
  readonly tries: number;
}

/** How often a request may be made at most. */
export const triesOf = ({ registration }: Backend, { method, keyHonoured }: BackendRequest): number =>
  mayRepeat(method, keyHonoured) ? registration.retries + 1 : 1;

/**
 * Calls a backend: over its binding alone, with Sentinel's client certificate, and again where that is harmless and
 * there is time. Never throws.
 * @param assertions one for each try that may be made
 */
export async function callBackend(
  backend: Backend,
  request: BackendRequest,
  assertions: readonly string[],
  { now, randomBytes, pause }: CallDependencies,
): Promise<Called> {
  const deadlineMs = now() + backend.registration.timeout_ms;
  const trace = beginTrace(request.requestId, randomBytes);
  let failures = 0;
  let outcome: BackendOutcome = { kind: "unreachable" };
  for (const [index, assertion] of assertions.entries()) {
    outcome = await tryOnce(backend, request, assertion, trace, deadlineMs - now());
    if (!isFailure(outcome)) return { outcome, heard: { failures, answered: true }, tries: index + 1 };
    failures += 1;
    if (!isWorthAnother(outcome)) break;
    const [random = 0] = randomBytes(1);
    const wishMs = outcome.kind === "broken" ? outcome.retryAfterMs : 0;
    const pauseMs = pauseBeforeRetry(failures, random / 256, wishMs, deadlineMs - now());
    if (pauseMs === null || index + 1 === assertions.length) break;
    await pause(pauseMs);
  }
  return { outcome, heard: { failures, answered: false }, tries: failures };
}

/** What a circuit counts: that the backend did not do its work, whatever it was asked. */
const isFailure = ({ kind }: BackendOutcome): boolean =>
  kind === "timed_out" || kind === "unreachable" || kind === "broken";

/** What timed out has used up the time. */
const isWorthAnother = (outcome: BackendOutcome): boolean =>
  outcome.kind === "unreachable" || (outcome.kind === "broken" && isPassing(outcome.status));

async function tryOnce(
  { registration, binding }: Backend,
  request: BackendRequest,
  assertion: string,
  trace: Trace,
  leftMs: number,
): Promise<BackendOutcome> {
  // Of headers only these: nothing that a client sent goes out, whatever it is called.
  const headers: Record<string, string> = {
    Accept: registration.answer_types.join(", "),
    "Accept-Encoding": "identity",
    "User-Agent": "Sentinel",
    "X-Request-Id": request.requestId,
    [backendAssertionHeader]: assertion,
    ...trace.next(),
    ...(request.body === null ? {} : { "Content-Type": "application/json" }),
    ...(request.idempotencyKey === null ? {} : { "Idempotency-Key": request.idempotencyKey }),
  };
  const query = new URLSearchParams(request.query).toString();
  const url = `${registration.base_url}/${request.rest}${query === "" ? "" : `?${query}`}`;
  const signal = AbortSignal.timeout(Math.max(1, leftMs));
  try {
    const { method, body } = request;
    const response = await binding.fetch(url, { method, headers, body, redirect: "manual", signal });
    return await readAnswer(response, registration);
  } catch {
    // Its message would name a host; which of the two it was says enough.
    return { kind: signal.aborted ? "timed_out" : "unreachable" };
  }
}
