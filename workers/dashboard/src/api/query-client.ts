import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { meKey } from "./auth.ts";
import { ApiProblem, isProblem } from "./problem.ts";

/** Reads that failed for a reason that passes are tried this often again; a refusal is final. */
const retriesMax = 2;

export function createQueryClient(): QueryClient {
  /** A session that ended while a page was open: asking who is here leads to the sign-in page. */
  const onError = (error: unknown): void => {
    if (isProblem(error, "unauthenticated") || isProblem(error, "invalid_token")) {
      void client.invalidateQueries({ queryKey: meKey });
    }
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        refetchOnWindowFocus: true,
        retry: (failures, error) => failures < retriesMax && isPassing(error),
      },
      mutations: { retry: false },
    },
  });
  return client;
}

function isPassing(error: unknown): boolean {
  return error instanceof ApiProblem && (error.fields.status === 0 || error.fields.status >= 502);
}
