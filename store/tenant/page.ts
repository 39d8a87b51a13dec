import type { IdKind } from "../../core/ids.ts";
import { parseId } from "../../core/ids.ts";
import { pageItemsMax } from "../../core/limits.ts";
import type { Page, PageRequest } from "../../core/rpc/capabilities.ts";

/** Where a list goes on: after (or, newest first, before) this id. */
export interface Keyset {
  readonly after: string | null;
  readonly limit: number;
}

/**
 * Parses a page request. The cursor is the last id of the page before; ids sort by time of making, so
 * a page costs the same wherever it lies, and rows added meanwhile move nothing.
 * @returns `invalid_cursor` for a cursor that is no such id, `invalid_request` for a limit out of range
 */
export function parsePage(kind: IdKind, page: PageRequest): Keyset | "invalid_cursor" | "invalid_request" {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > pageItemsMax) return "invalid_request";
  if (page.cursor === null) return { after: null, limit: page.limit };
  const after = parseId(kind, page.cursor);
  return after === null ? "invalid_cursor" : { after, limit: page.limit };
}

/** Cuts the one row too many that was asked for, which only says that there is a next page. */
export function pageOf<T extends { readonly id: string }>(items: readonly T[], keyset: Keyset): Page<T> {
  const shown = items.slice(0, keyset.limit);
  const last = shown.at(-1);
  return { items: shown, nextCursor: items.length > keyset.limit && last !== undefined ? last.id : null };
}
