import type { ReactNode } from "react";
import { Navigate, useLocation } from "react-router";
import { useMe } from "../api/auth.ts";
import type { Me } from "../api/schemas.ts";
import { signInPath } from "./return-path.ts";
import { Failure, PageLoading } from "./states.tsx";

/** Shows its content to a signed-in person; anyone else is sent to sign in and comes back. */
export function SessionGate({ children }: { readonly children: (me: Me) => ReactNode }) {
  const me = useMe();
  const location = useLocation();
  if (me.isPending) return <PageLoading />;
  if (me.data === null) return <Navigate to={signInPath(location)} replace />;
  if (me.data === undefined) {
    return (
      <main className="mx-auto w-full max-w-2xl p-6 pt-16">
        <Failure error={me.error} onRetry={() => void me.refetch()} />
      </main>
    );
  }
  return children(me.data);
}
