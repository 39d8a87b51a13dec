import { pageItemsDefault } from "../../../core/limits.ts";
import type { RouteName } from "../../../core/routes.ts";
import { mac, sameBytes } from "../auth/keys.ts";
import type { PageQuery } from "./schemas.ts";

/** What a cursor is good for: one route's list of one owner (an organisation or a person). */
export interface CursorScope {
  readonly key: Uint8Array;
  readonly route: RouteName;
  readonly owner: string;
}

/** 128 bits of MAC: forging one takes 2^127 requests on average. */
const macBytes = 16;

/** Wraps a position. Opaque and authenticated: `base64url(position).base64url(mac)`. */
export function sealCursor(scope: CursorScope, position: string): string {
  return `${Buffer.from(position, "utf8").toString("base64url")}.${tag(scope, position).toString("base64url")}`;
}

/** The position, or null for anything that is not a cursor of this very list. */
export function openCursor(scope: CursorScope, cursor: string): string | null {
  const [encoded, presented, ...rest] = cursor.split(".");
  if (encoded === undefined || presented === undefined || rest.length > 0) return null;
  const position = Buffer.from(encoded, "base64url").toString("utf8");
  return sameBytes(Buffer.from(presented, "base64url"), tag(scope, position)) ? position : null;
}

function tag(scope: CursorScope, position: string): Buffer {
  return mac(scope.key, ["cursor", scope.route, scope.owner, position]).subarray(0, macBytes);
}

export type PageStart =
  | { readonly kind: "ok"; readonly limit: number; readonly after: string | null }
  | { readonly kind: "invalid_cursor" };

/** Reads `?limit=&cursor=`. */
export function pageStart(scope: CursorScope, query: PageQuery): PageStart {
  const limit = query.limit ?? pageItemsDefault;
  if (query.cursor === undefined) return { kind: "ok", limit, after: null };
  const after = openCursor(scope, query.cursor);
  return after === null ? { kind: "invalid_cursor" } : { kind: "ok", limit, after };
}

/** The page's answer. `next` is the position behind the last item, or null at the end. */
export function pageAnswer<T>(
  scope: CursorScope,
  items: T[],
  next: string | null,
): { items: T[]; next_cursor: string | null } {
  return { items, next_cursor: next === null ? null : sealCursor(scope, next) };
}
