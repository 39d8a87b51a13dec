import type { ReactNode } from "react";

/** One term of a `<dl>` and what is known of it. */
export function Fact({ term, children }: { readonly term: string; readonly children: ReactNode }) {
  return (
    <div className="flex items-baseline justify-between gap-4 border-t border-kumo-hairline py-1.5">
      <dt className="shrink-0 text-kumo-subtle">{term}</dt>
      <dd className="min-w-0 text-right break-words">{children}</dd>
    </div>
  );
}
