import type { ProblemCode } from "../../../core/problem.ts";
import { readBounded } from "../../../core/read-bounded.ts";

export type ReadBody =
  | { readonly kind: "ok"; readonly text: string; readonly json: unknown }
  | { readonly kind: "refused"; readonly code: ProblemCode };

/**
 * Reads a JSON body. A route that takes none accepts an empty one or `{}`, which clients send by habit.
 * @param take.bytesMax the route's limit; the edge holds it too, and neither relies on the other
 */
export async function readJsonBody(
  request: Request,
  take: { readonly expected: boolean; readonly bytesMax: number },
): Promise<ReadBody> {
  const bytes = await readBounded(request.body, take.bytesMax);
  if (bytes === null) return { kind: "refused", code: "too_large" };
  if (bytes.length === 0 && !take.expected) return { kind: "ok", text: "", json: undefined };
  const mediaType = (request.headers.get("Content-Type") ?? "").split(";")[0]?.trim().toLowerCase();
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
