import { Button } from "@cloudflare/kumo/components/button";
import { ArrowClockwiseIcon } from "@phosphor-icons/react/ArrowClockwise";
import { WarningCircleIcon } from "@phosphor-icons/react/WarningCircle";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { type ProblemFields, problemOf, wasDeclined } from "../api/problem.ts";
import { stepUp } from "../api/step-up.ts";
import { TextLink } from "./text-link.tsx";

/** Faster than this, a progress bar would only flicker. */
const slowAfterMs = 1_000;

/** Grey lines in the place of what is being loaded, and a progress bar when that takes over a second. */
export function Loading({ label, rows = 5 }: { readonly label: string; readonly rows?: number }) {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), slowAfterMs);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" className="relative overflow-hidden rounded-xl bg-kumo-base ring ring-kumo-hairline">
      {slow && <ProgressBar label={label} />}
      <span className="sr-only">{label}</span>
      <div aria-hidden="true" className="divide-y divide-kumo-hairline">
        {Array.from({ length: rows }, (_, row) => row).map((row) => (
          <div key={row} className="flex items-center gap-4 p-4">
            <div className="size-3 animate-pulse rounded-full bg-kumo-fill" />
            <div className="h-3 w-2/5 animate-pulse rounded bg-kumo-fill" />
            <div className="ml-auto h-3 w-1/5 animate-pulse rounded bg-kumo-fill" />
          </div>
        ))}
      </div>
    </div>
  );
}

/** Something is under way and nobody knows how long it takes. */
export function ProgressBar({ label }: { readonly label: string }) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      className="absolute inset-x-0 top-0 z-10 h-0.5 overflow-hidden bg-kumo-fill"
    >
      <div className="h-full w-2/5 animate-[indeterminate_1.2s_ease-in-out_infinite] bg-(--chart-1)" />
    </div>
  );
}

/** A whole page that is not there yet. */
export function PageLoading() {
  return (
    <div className="mx-auto w-full max-w-3xl p-6">
      <Loading label="Loading" />
    </div>
  );
}

/** A refusal or failure in the place of what could not be loaded. */
export function Failure({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const problem = problemOf(error);
  if (wasDeclined(error) && onRetry !== undefined) return <ProveFirst problem={problem} onProven={onRetry} />;
  return (
    <div role="alert" className="flex gap-3 rounded-xl bg-kumo-danger-tint p-4 ring ring-kumo-danger/30">
      <WarningCircleIcon aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-kumo-danger" />
      <div className="min-w-0 flex-1">
        <ProblemText problem={problem} />
      </div>
      {onRetry !== undefined && (
        <Button size="sm" icon={ArrowClockwiseIcon} onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** The person closed the question who they are: it waits here until they want to answer it. */
function ProveFirst(props: { readonly problem: ProblemFields; readonly onProven: () => void }) {
  const ask = async (): Promise<void> => {
    if (await stepUp.prove("person")) props.onProven();
  };
  return (
    <div
      role="status"
      className="flex flex-wrap items-center gap-3 rounded-xl bg-kumo-base p-4 ring ring-kumo-hairline"
    >
      <div className="min-w-0 flex-1">
        <p className="font-medium">{props.problem.title}</p>
        {props.problem.detail !== null && <p className="text-sm text-kumo-subtle">{props.problem.detail}</p>}
      </div>
      <Button variant="primary" onClick={() => void ask()}>
        Prove it’s you
      </Button>
    </div>
  );
}

/** The same inside a form or a dialog; nothing while all is well. */
export function FormFailure({ error }: { readonly error: unknown }) {
  const shown = useRef<HTMLDivElement>(null);
  // A long form in a dialog may have it below its edge.
  useEffect(() => {
    if (error != null) shown.current?.scrollIntoView({ block: "nearest" });
  }, [error]);
  if (error === null || error === undefined || wasDeclined(error)) return null;
  return (
    <div ref={shown} role="alert" className="rounded-lg bg-kumo-danger-tint p-3 ring ring-kumo-danger/30">
      <ProblemText problem={problemOf(error)} />
    </div>
  );
}

function ProblemText({ problem }: { readonly problem: ProblemFields }) {
  return (
    <>
      <p className="font-medium">{problem.title}</p>
      {problem.detail !== null && <p className="text-sm">{problem.detail}</p>}
      {problem.errors.length > 0 && (
        <ul className="mt-1 list-disc pl-5 text-sm">
          {problem.errors.map(({ path, message }) => (
            <li key={`${path} ${message}`}>
              <span className="font-mono text-xs">{path}</span>: {message}
            </li>
          ))}
        </ul>
      )}
      {problem.code === "mfa_enrollment_required" && (
        <p className="text-sm">
          <TextLink to="/account/security" className="underline">
            Set up a second factor
          </TextLink>
        </p>
      )}
      {problem.retryAfterSeconds !== null && (
        <p className="text-sm">Try again in {Math.ceil(problem.retryAfterSeconds)} s.</p>
      )}
      {problem.requestId !== null && (
        <p className="mt-1 text-xs break-all text-kumo-subtle">
          Request <span className="font-mono">{problem.requestId}</span>
        </p>
      )}
    </>
  );
}

/** Nothing here yet, and what to do about it. */
export function EmptyState(props: { readonly icon: ReactNode; readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-2 rounded-xl bg-kumo-base px-6 py-12 text-center ring ring-kumo-hairline">
      <div aria-hidden="true" className="mb-1 text-kumo-subtle">
        {props.icon}
      </div>
      <p className="text-base font-medium">{props.title}</p>
      <div className="flex w-full max-w-xl flex-col items-center gap-3 text-kumo-subtle">{props.children}</div>
    </div>
  );
}
