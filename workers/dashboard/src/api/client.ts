import * as z from "zod/mini";
import { ApiProblem, clientProblem, isProblem, parseProblem } from "./problem.ts";
import { mayBeSignedIn } from "./session-hint.ts";
import { duringTurnover, turnoverOver } from "./session-turnover.ts";
import { stepUp } from "./step-up.ts";

// Compiling parsers with `new Function` is refused by the content policy, and even trying is reported.
z.config({ jitless: true });

const base = "/api/v1";

export interface CallOptions {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly query?: Readonly<Record<string, string | number | null | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Makes a repeated POST the same request; pass one per thing the person asked for. */
  readonly idempotencyKey?: string;
  /** The answer may bring a new session cookie, which ends the one that everybody else here holds. */
  readonly renewsSession?: true;
}

/**
 * Calls the API with the session cookie and parses the answer at the door. Where the server wants proof
 * of the person first (RFC 9470), they are asked for it and the call is made once more.
 * @throws ApiProblem for every refusal, for no answer, and for one that does not fit the schema
 */
export async function call<T>(path: string, schema: z.ZodMiniType<T>, options: CallOptions = {}): Promise<T> {
  try {
    return await callOnce(path, schema, options);
  } catch (error) {
    if (!isProblem(error, "step_up_required")) throw error;
    const reads = (options.method ?? "GET") === "GET";
    if (!(await stepUp.prove(reads ? "page" : "person"))) throw new ApiProblem(declined);
    return await callOnce(path, schema, options);
  }
}

const declined = clientProblem(
  "step_up_declined",
  "Prove that it is you to see this",
  "For this, Sentinel asks again who you are.",
  401,
  null,
);

/**
 * The same without asking: for the calls by which a person proves themselves. Refused as nobody's, it is
 * made once more when no new cookie is on its way any longer: the refused one did nothing.
 */
export async function callOnce<T>(path: string, schema: z.ZodMiniType<T>, options: CallOptions = {}): Promise<T> {
  const attempt = () => answerOf(path, schema, options);
  const inTurn = () => (options.renewsSession === true ? duringTurnover(attempt) : attempt());
  try {
    return await inTurn();
  } catch (error) {
    if (!isNobodys(error, options) || !mayBeSignedIn()) throw error;
    await turnoverOver();
    return await inTurn();
  }
}

/** The session ended before the edge looked, or between the edge and Studio; of a write, `invalid_token` says it of a link. */
function isNobodys(error: unknown, { method = "GET" }: CallOptions): boolean {
  return isProblem(error, "unauthenticated") || (method === "GET" && isProblem(error, "invalid_token"));
}

async function answerOf<T>(path: string, schema: z.ZodMiniType<T>, options: CallOptions): Promise<T> {
  const response = await send(path, options);
  const body = await readBody(response);
  const requestId = response.headers.get("X-Request-Id");
  if (!response.ok) {
    throw new ApiProblem(
      parseProblem(body, response.status, { requestId, retryAfter: response.headers.get("Retry-After") }),
    );
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join(".") ?? "";
  const detail = `This page could not read the answer${where === "" ? "" : ` at “${where}”`}. Reload to get the newest version.`;
  throw new ApiProblem(clientProblem("unexpected_answer", "Unexpected answer", detail, response.status, requestId));
}

/** The same for an answer that is read while it comes. @throws ApiProblem before its first byte */
export async function callStream(path: string, options: CallOptions): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const response = await send(path, options);
  if (response.ok && response.body !== null) return response.body;
  const requestId = response.headers.get("X-Request-Id");
  const retryAfter = response.headers.get("Retry-After");
  throw new ApiProblem(parseProblem(await readBody(response), response.status, { requestId, retryAfter }));
}

/** For calls whose answer holds nothing of interest. */
export async function callVoid(path: string, options: CallOptions): Promise<void> {
  await call(path, z.unknown(), options);
}

async function send(path: string, options: CallOptions): Promise<Response> {
  const url = `${base}${path}${queryString(options.query ?? {})}`;
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  // A test of this file runs where there is no page.
  const org = organisationAt(globalThis.location?.pathname ?? "");
  // What names no organisation itself is judged by the policy of the one that the person is at.
  if (org !== null && !path.startsWith("/orgs/")) headers["Sentinel-Organisation"] = org;
  if (options.idempotencyKey !== undefined) headers["Idempotency-Key"] = options.idempotencyKey;
  try {
    return await fetch(url, {
      method: options.method ?? "GET",
      headers,
      credentials: "same-origin",
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    const detail = "Sentinel could not be reached. Check the connection and try again.";
    throw new ApiProblem(clientProblem("network_error", "No answer", detail, 0, null));
  }
}

/** The organisation whose pages these are; null elsewhere. */
function organisationAt(pathname: string): string | null {
  return /^\/o\/([a-z0-9_-]{3,40})(?:\/|$)/.exec(pathname)?.[1] ?? null;
}

async function readBody(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Leaves out what is null, undefined or empty. */
export function queryString(query: NonNullable<CallOptions["query"]>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

/** A path of segments, each escaped, so that no value can climb out of its place. */
export function path(...segments: readonly string[]): string {
  return `/${segments.map((segment) => encodeURIComponent(segment)).join("/")}`;
}
