import { bodyBytesDefaultMax, requestTargetBytesMax } from "../../../core/limits.ts";
import type { Additions, Denial, Gate, GateResult, RequestContext } from "./gate.ts";

/** Browsers send some 20 fields, an integration a few more; each one costs the later gates work. */
export const headerFieldsMax = 64;
/** Our longest credential is 8 KiB; four times that leaves room for other sites' cookies on a shared host name. */
export const headerBytesMax = 32 * 1024;
/** 64 KiB at 56 kbit/s take ten seconds; slower than that is somebody holding sockets open. */
const bodyDeadlineMs = 15_000;

const tooLarge: Denial = { kind: "deny", code: "too_large" };
/**
 * No body is unpacked here or behind: 64 KiB of it may be 64 MiB of text, and a gate that judged it packed would
 * have judged something else than what is read. RFC 9110 section 15.5.16 says how to tell.
 */
const packed: Denial = {
  kind: "deny",
  code: "unsupported_media_type",
  detail: "send the body without Content-Encoding",
  headers: { "Accept-Encoding": "identity" },
};

const unannounced: Denial = { kind: "deny", code: "malformed_request", detail: "say how long it is: Content-Length" };

/**
 * Bounds everything before anything parses it. `Content-Length` may refuse a request but never admits
 * one: the stream itself is counted, and what is forwarded later is what was counted here.
 */
export const sizeGate: Gate<never, "body"> = {
  name: "size",
  appliesTo: "every_request",
  needs: [],
  adds: ["body"],
  deadlineMs: bodyDeadlineMs,
  async judge(context): Promise<GateResult<Pick<Additions, "body">>> {
    const { request, target, resolution } = context;
    if (target.bytes > requestTargetBytesMax || !headersFit(request.headers)) return tooLarge;
    const encoding = request.headers.get("Content-Encoding");
    if (encoding !== null && encoding.toLowerCase() !== "identity") return packed;
    // Nobody is behind a miss, but who attacks one is refused and counted like everybody else.
    const bytesMax = resolution.kind === "miss" ? bodyBytesDefaultMax : resolution.match.route.bodyBytesMax;
    if (!declaredLengthFits(context, bytesMax)) return tooLarge;
    if (resolution.kind === "route" && resolution.match.route.takes === "bytes") return announced(request);
    const body = await readAtMost(request.body, bytesMax);
    return body === "too_large" ? tooLarge : { kind: "allow", adds: { body } };
  },
};

/**
 * What is too large to be held here is handed on as it comes. Its announced length fits, and whoever takes it counts
 * once more; without one nobody could say before its end.
 */
function announced({ headers, body }: Request): GateResult<Pick<Additions, "body">> {
  return headers.has("Content-Length") ? { kind: "allow", adds: { body } } : unannounced;
}

function headersFit(headers: Headers): boolean {
  let fields = 0;
  let bytes = 0;
  for (const [name, value] of headers) {
    fields += 1;
    // Header values are Latin-1 on the wire; +4 for `: ` and CRLF.
    bytes += name.length + value.length + 4;
    if (fields > headerFieldsMax || bytes > headerBytesMax) return false;
  }
  return true;
}

function declaredLengthFits({ request }: RequestContext, bytesMax: number): boolean {
  const declared = request.headers.get("Content-Length");
  if (declared === null) return true;
  return /^\d{1,12}$/.test(declared) && Number(declared) <= bytesMax;
}

/** Reads a stream to its end, or gives up with the first byte over the cap. */
export async function readAtMost(
  stream: ReadableStream<Uint8Array> | null,
  bytesMax: number,
): Promise<Uint8Array | null | "too_large"> {
  if (stream === null) return null;
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.length;
    if (bytes > bytesMax) {
      await reader.cancel().catch(() => undefined);
      return "too_large";
    }
    chunks.push(value);
  }
  if (bytes === 0) return null;
  const body = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
