import type { RequestId } from "../../../core/ids.ts";
import { problemBody, problems } from "../../../core/problem.ts";
import type { PlainAnswer } from "../pipeline/exchange.ts";
import type { HandlerResult, RawMedia } from "./result.ts";

/**
 * Writes a result down as status, headers and text.
 * @param media null for JSON, else what the body, a text or bytes, is
 */
export function plainAnswer(
  result: HandlerResult<unknown>,
  declared: number,
  requestId: RequestId,
  media: RawMedia | null = null,
): PlainAnswer {
  if (result.kind === "refusal") {
    const { code, detail, errors, extensions, headers } = result;
    const extra = { ...(detail === undefined ? {} : { detail }), ...(errors === undefined ? {} : { errors }) };
    return {
      status: problems[code][0],
      headers: { "Content-Type": "application/problem+json", ...headers },
      // The standard members last: an extension never stands for one of them.
      body: JSON.stringify({ ...extensions, ...problemBody(code, requestId, extra) }),
    };
  }
  const status = result.status ?? declared;
  if (status === 204) return { status, headers: { ...result.headers }, body: "" };
  if (media !== null) {
    const headers = { "Content-Type": media, ...result.headers };
    if (result.body instanceof ReadableStream) return { status, headers, body: "", stream: result.body };
    if (result.body instanceof Uint8Array) return { status, headers, body: "", bytes: new Uint8Array(result.body) };
    return { status, headers, body: String(result.body) };
  }
  return {
    status,
    headers: { "Content-Type": "application/json", ...result.headers },
    body: JSON.stringify(result.body),
  };
}

/** The answer as it leaves. It is never cached: it is somebody's own. */
export function respond(answer: PlainAnswer, requestId: RequestId): Response {
  const headers = new Headers({ "Cache-Control": "no-store" });
  for (const [name, value] of Object.entries(answer.headers)) {
    if (typeof value === "string") headers.set(name, value);
    else for (const one of value) headers.append(name, one);
  }
  headers.set("X-Request-Id", requestId);
  return new Response(answer.status === 204 ? null : (answer.stream ?? answer.bytes ?? answer.body), {
    status: answer.status,
    headers,
  });
}
