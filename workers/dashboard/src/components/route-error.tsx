import { LinkButton } from "@cloudflare/kumo/components/button";
import { useRouteError } from "react-router";
import { PageHeader } from "./page-header.tsx";
import { Failure } from "./states.tsx";

/** A page broke, or its code could not be loaded: say so, and offer the way back. */
export function RouteError() {
  const error = useRouteError();
  return (
    <main className="mx-auto grid w-full max-w-2xl gap-4 p-6 pt-16">
      <PageHeader title="This page could not be shown" />
      <Failure error={error} onRetry={() => window.location.reload()} />
    </main>
  );
}

export function NotFoundPage() {
  return (
    <div className="mx-auto grid w-full max-w-2xl justify-items-start gap-2 p-6 pt-16">
      <PageHeader title="Not found" lead="There is nothing at this address, or you may not see it." />
      <LinkButton href="/" variant="secondary">
        Your organisations
      </LinkButton>
    </div>
  );
}
