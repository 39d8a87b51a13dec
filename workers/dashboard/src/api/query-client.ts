import { QueryClient } from "@tanstack/react-query";
import { ApiProblem } from "./problem.ts";

/** Reads that failed for a reason that passes are tried this often again; a refusal is final. */
const retriesMax = 2;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        refetchOnWindowFocus: true,
        retry: (failures, error) => failures < retriesMax && isPassing(error),
      },
      mutations: { retry: false },
    },
  });
}

function isPassing(error: unknown): boolean {
  return error instanceof ApiProblem && (error.fields.status === 0 || error.fields.status >= 502);
}
