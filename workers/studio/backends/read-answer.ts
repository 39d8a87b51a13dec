import { type AnswerType, answerTypes, type Registration } from "../../../core/backends/registration.ts";
import { retryAfterMs } from "../../../core/backends/retry.ts";
import { readBounded } from "../../../core/read-bounded.ts";

/** What a backend said, checked. */
export type BackendAnswer =
  | { readonly kind: "answered"; readonly status: 200 | 201 | 202; readonly type: AnswerType; readonly text: string }
  | { readonly kind: "done" }
  /** It takes the request for wrong. `said` is its own JSON, or null. */
  | { readonly kind: "refused"; readonly status: number; readonly said: unknown }
  /** It asks to be left alone for a while. */
  | { readonly kind: "busy"; readonly retryAfterMs: number }
  /** A 5xx. */
  | { readonly kind: "broken"; readonly status: number; readonly retryAfterMs: number }
  /** Nothing that may be handed on. `why` is ours, for the log. */
  | { readonly kind: "unusable"; readonly why: string };

/** Of a refusal as much as says what is wrong. Bytes. */
const saidBytesMax = 16 * 1024;
/** … and as deep. It is written anew inside our own answer: 8,000 brackets in each other would end that writer's stack. */
const saidDepthMax = 32;
/** What says that Sentinel itself is not let in, or asks in the wrong way: the operator's matter, not the member's. */
const oursToMend: ReadonlySet<number> = new Set([401, 403, 407, 408, 421, 426, 431]);

/**
 * Reads an answer whole and takes of it what may be handed on: a status, one of the registered types, and text. No
 * header of a backend's leaves: no cookie, no redirect, no policy of its own.
 * @throws whatever reading a broken body throws
 */
export async function readAnswer(response: Response, registration: Registration): Promise<BackendAnswer> {
  const { status } = response;
  if (status === 204) return { kind: "done" };
  if (status === 200 || status === 201 || status === 202) return readBody(response, status, registration);
  if (status >= 400 && status < 500 && status !== 429 && !oursToMend.has(status))
    return { kind: "refused", status, said: await readSaid(response) };
  await response.body?.cancel().catch(() => undefined);
  const wishMs = retryAfterMs(response.headers.get("Retry-After"));
  if (status === 429) return { kind: "busy", retryAfterMs: wishMs };
  if (status >= 500) return { kind: "broken", status, retryAfterMs: wishMs };
  return unusable(`it answered with ${status}`);
}

async function readBody(
  response: Response,
  status: 200 | 201 | 202,
  { answer_types, answer_bytes_max }: Registration,
): Promise<BackendAnswer> {
  const type = typeOf(response);
  if (type === null || !answer_types.includes(type)) {
    await response.body?.cancel().catch(() => undefined);
    return unusable("its answer has a type that is not registered");
  }
  const bytes = await readBounded(response.body, answer_bytes_max);
  if (bytes === null) return unusable("its answer is longer than registered");
  const text = textOf(bytes);
  if (text === null) return unusable("its answer is not UTF-8");
  if (type === "application/json" && jsonOf(text) === undefined) return unusable("its answer is not JSON");
  return { kind: "answered", status, type, text };
}

async function readSaid(response: Response): Promise<unknown> {
  const isJson = /^application\/(?:[a-z.-]+\+)?json(?:;|$)/i.test(response.headers.get("Content-Type") ?? "");
  if (!isJson) {
    await response.body?.cancel().catch(() => undefined);
    return null;
  }
  const bytes = await readBounded(response.body, saidBytesMax);
  const text = bytes === null ? null : textOf(bytes);
  const said = text === null ? null : (jsonOf(text) ?? null);
  return isShallow(said, saidDepthMax) ? said : null;
}

const isShallow = (value: unknown, depth: number): boolean =>
  typeof value !== "object" ||
  value === null ||
  (depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1)));

function typeOf(response: Response): AnswerType | null {
  const [essence = "", ...parameters] = (response.headers.get("Content-Type") ?? "").toLowerCase().split(";");
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith("charset="));
  if (charset !== undefined && !/^charset="?utf-8"?$/.test(charset)) return null;
  return answerTypes.find((known) => known === essence.trim()) ?? null;
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return null;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const unusable = (why: string): BackendAnswer => ({ kind: "unusable", why });
