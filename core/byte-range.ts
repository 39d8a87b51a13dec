/** Ranges of bytes as HTTP asks for them: RFC 9110 section 14. */
import type { RangeRequest } from "./rpc/documents.ts";

/**
 * Reads a `Range` field. Only one range of bytes is known; whatever else it says is ignored, as section 14.2 allows.
 * @returns null for a field that asks for nothing known
 */
export function parseRange(field: string | null): RangeRequest | null {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(field?.trim() ?? "") ?? [];
  if (first === "") return last === "" ? null : { kind: "suffix", length: Number(last) };
  if (last === "") return { kind: "from", first: Number(first), last: null };
  return Number(last) < Number(first) ? null : { kind: "from", first: Number(first), last: Number(last) };
}

/**
 * What a range means of so many bytes.
 * @returns null when none of them is in it (section 14.1.2: 416)
 */
export function resolveRange(
  range: RangeRequest,
  size: number,
): { readonly first: number; readonly last: number } | null {
  const first = range.kind === "suffix" ? Math.max(0, size - range.length) : range.first;
  const last = range.kind === "suffix" ? size - 1 : Math.min(size - 1, range.last ?? size - 1);
  return first > last ? null : { first, last };
}
