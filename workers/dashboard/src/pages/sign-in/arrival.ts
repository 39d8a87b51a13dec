import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { welcome } from "../../api/auth.ts";
import { returnPath } from "../../components/return-path.ts";

/** What follows a completed sign-in: who is here is read, and the page that was asked for opens. */
export function useArrival(wanted: string | null): () => Promise<void> {
  const client = useQueryClient();
  const navigate = useNavigate();
  return async () => {
    const me = await welcome(client);
    const next = returnPath(wanted);
    const only = me.orgs.length === 1 ? me.orgs[0] : undefined;
    await navigate(next === "/" && only !== undefined ? `/o/${only.slug}` : next, { replace: true });
  };
}
