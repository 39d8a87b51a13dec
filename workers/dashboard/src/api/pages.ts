import { type InfiniteData, type QueryKey, useInfiniteQuery } from "@tanstack/react-query";
import type { Page } from "./schemas.ts";

/** Rows of one request; "Load more" fetches as many again. */
export const pageRows = 100;

/** A cursor-paged list as one growing array. */
export function usePages<T>(
  key: QueryKey,
  fetchPage: (cursor: string | null, signal: AbortSignal) => Promise<Page<T>>,
  options: { readonly enabled?: boolean; readonly refetchIntervalMs?: number } = {},
) {
  const query = useInfiniteQuery<Page<T>, Error, InfiniteData<Page<T>>, QueryKey, string | null>({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => fetchPage(pageParam, signal),
    initialPageParam: null,
    getNextPageParam: (last) => last.next_cursor,
    enabled: options.enabled ?? true,
    ...(options.refetchIntervalMs === undefined ? {} : { refetchInterval: options.refetchIntervalMs }),
  });
  return { query, items: query.data?.pages.flatMap((page) => page.items) ?? [] };
}
export type PagesQuery = ReturnType<typeof usePages>["query"];
