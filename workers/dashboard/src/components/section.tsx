import { type ReactNode, useId } from "react";

/** A card with a heading of its own, what it is for, and what can be done. */
export function Section(props: {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly children?: ReactNode;
}) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="min-w-0 rounded-xl bg-kumo-base p-4 ring ring-kumo-hairline sm:p-5">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-3">
        <div className="min-w-0 flex-1 basis-64">
          <h2 id={id} className="text-base font-semibold">
            {props.title}
          </h2>
          {props.lead !== undefined && <div className="mt-0.5 text-kumo-subtle">{props.lead}</div>}
        </div>
        {props.actions !== undefined && <div className="flex flex-wrap gap-2">{props.actions}</div>}
      </div>
      {props.children !== undefined && <div className="mt-4 empty:hidden">{props.children}</div>}
    </section>
  );
}

/** One row of a list in a section: what it is, and its buttons. */
export function Row(props: { readonly icon?: ReactNode; readonly children: ReactNode; readonly actions?: ReactNode }) {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 border-t border-kumo-hairline py-3 first:border-t-0 first:pt-0 last:pb-0">
      {props.icon !== undefined && (
        <span aria-hidden="true" className="shrink-0 text-kumo-subtle">
          {props.icon}
        </span>
      )}
      <div className="min-w-0 flex-1 basis-48">{props.children}</div>
      {props.actions !== undefined && <div className="flex shrink-0 flex-wrap gap-2">{props.actions}</div>}
    </li>
  );
}
