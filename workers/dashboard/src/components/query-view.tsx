import { Button } from "@cloudflare/kumo/components/button";
import type { ReactNode } from "react";
import type { PagesQuery } from "../api/pages.ts";
import { Failure, Loading } from "./states.tsx";

interface Readable {
  readonly isPending: boolean;
  readonly error: unknown;
  readonly data: unknown;
  readonly refetch: () => Promise<unknown>;
}

/** Loading, failed, or the content. What was read before stays on screen under a failed refresh. */
export function QueryView(props: {
  readonly query: Readable;
  readonly label: string;
  readonly rows?: number;
  readonly children: ReactNode;
}) {
  const { query } = props;
  if (query.isPending)
    return <Loading label={props.label} {...(props.rows === undefined ? {} : { rows: props.rows })} />;
  const failure = query.error == null ? null : <Failure error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return failure;
  return (
    <>
      {failure !== null && <div className="mb-4">{failure}</div>}
      {props.children}
    </>
  );
}

/** The button under a list that goes on. */
export function LoadMore({ query }: { readonly query: PagesQuery }) {
  if (!query.hasNextPage) return null;
  return (
    <div className="flex justify-center pt-3">
      <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
        Load more
      </Button>
    </div>
  );
}
