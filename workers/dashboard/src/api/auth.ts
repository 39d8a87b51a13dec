import { type QueryClient, useQuery } from "@tanstack/react-query";
import * as z from "zod/mini";
import { call, callVoid } from "./client.ts";
import { ApiProblem } from "./problem.ts";
import { type Me, meSchema } from "./schemas.ts";
import { mayBeSignedIn, rememberSignedIn } from "./session-hint.ts";
import { stepUp } from "./step-up.ts";

export const meKey = ["me"] as const;

/** The signed-in person and their organisations; null when nobody is signed in. */
export function useMe() {
  return useQuery(meQuery);
}

const meQuery = {
  queryKey: meKey,
  queryFn: ({ signal }: { readonly signal: AbortSignal }) => fetchMe(signal),
  staleTime: 60_000,
} as const;

/** After a sign-in: drops what was read for whoever was here before, and reads who is here now. */
export async function welcome(client: QueryClient): Promise<Me> {
  // What is on screen goes on watching who is here, so that query itself stays.
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== meKey[0] });
  const me = await client.fetchQuery({ ...meQuery, staleTime: 0 });
  if (me === null) throw new Error("signed in, and the server knows of nobody");
  return me;
}

async function fetchMe(signal: AbortSignal): Promise<Me | null> {
  if (!mayBeSignedIn()) return null;
  try {
    return await call("/me", meSchema, { signal });
  } catch (error) {
    if (error instanceof ApiProblem && error.fields.status === 401) {
      rememberSignedIn(false);
      return null;
    }
    throw error;
  }
}

export async function signOut(): Promise<void> {
  try {
    await callVoid("/auth/logout", { method: "POST", body: {} });
  } catch (error) {
    // A session that has already ended is what was asked for.
    if (!(error instanceof ApiProblem && error.fields.status === 401)) throw error;
  }
  rememberSignedIn(false);
  stepUp.forget();
}

export function register(input: { name: string; email: string; password: string }): Promise<void> {
  return callVoid("/auth/register", { method: "POST", body: input });
}

/**
 * Proves an address and sets the account's password. The page always sends one: whoever registered somebody
 * else's address must not have theirs on the account.
 */
export function verifyEmail(token: string, password: string): Promise<void> {
  return callVoid("/auth/verify-email", { method: "POST", body: { token, password } });
}

const acceptedSchema = z.object({ org: z.optional(z.object({ slug: z.string() })) });

/** @returns the slug of the organisation joined, when the server names it */
export async function acceptInvitation(token: string): Promise<string | null> {
  const answer = await call("/invitations/accept", z.nullable(acceptedSchema), { method: "POST", body: { token } });
  return answer?.org?.slug ?? null;
}
