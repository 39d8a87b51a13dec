import { type ReactNode, useEffect } from "react";

/** Names the browser's tab and history entry. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Sentinel`;
  }, [title]);
}

export function PageHeader(props: {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly before?: ReactNode;
  readonly actions?: ReactNode;
}) {
  useTitle(props.title);
  return (
    <header className="mb-5 flex flex-wrap items-end justify-between gap-x-4 gap-y-3">
      <div className="min-w-0">
        {props.before}
        <h1 className="text-xl font-semibold tracking-tight break-words">{props.title}</h1>
        {props.lead !== undefined && <div className="mt-0.5 text-kumo-subtle">{props.lead}</div>}
      </div>
      {props.actions !== undefined && <div className="flex flex-wrap items-center gap-2">{props.actions}</div>}
    </header>
  );
}
