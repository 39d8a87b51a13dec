import type { ProblemCode } from "../../../core/problem.ts";
import { readBounded } from "../../../core/read-bounded.ts";

export type ReadBody =
  | { readonly kind: "ok"; readonly text: string; readonly json: unknown }
  | { readonly kind: "refused"; readonly code: ProblemCode };

/**
 * Reads a JSON body. A route that takes none accepts an empty one or `{}`, which clients send by habit.
 * @param take.form true: a plain form of a page will do; a field that comes twice is none
 * @param take.bytesMax the route's limit; the edge holds it too, and neither relies on the other
 */
export async function readJsonBody(
  request: Request,
  take: { readonly expected: boolean; readonly bytesMax: number; readonly form?: boolean },
): Promise<ReadBody> {
  const bytes = await readBounded(request.body, take.bytesMax);
  if (bytes === null) return { kind: "refused", code: "too_large" };
  if (bytes.length === 0 && !take.expected) return { kind: "ok", text: "", json: undefined };
  const mediaType = (request.headers.get("Content-Type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (take.form === true && mediaType === "application/x-www-form-urlencoded") return readForm(bytes);
  if (mediaType !== "application/json") return { kind: "refused", code: "unsupported_media_type" };
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
    json = JSON.parse(text);
  } catch {
    return { kind: "refused", code: "invalid_json" };
  }
  if (!take.expected && text.trim() !== "{}") return { kind: "refused", code: "invalid_request" };
  return { kind: "ok", text, json };
}

/** Fields of a form as an object of texts. */
function readForm(bytes: Uint8Array): ReadBody {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const pairs = [...new URLSearchParams(text)];
    const json = Object.fromEntries(pairs);
    return Object.keys(json).length === pairs.length
      ? { kind: "ok", text, json }
      : { kind: "refused", code: "invalid_request" };
  } catch {
    return { kind: "refused", code: "malformed_request" };
  }
}
