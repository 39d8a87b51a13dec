import { Button } from "@cloudflare/kumo/components/button";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type Door, listSignInProviders, type SignInProvider, startWithProvider } from "../../api/sign-in.ts";
import { OrRule } from "../../components/proof-form.tsx";
import { FormFailure } from "../../components/states.tsx";
import { rememberDeparture } from "./departure.ts";

/** One button for each outside issuer of this door; nothing where there is none. */
export function Providers({ door, returnTo }: { readonly door: Door; readonly returnTo: string }) {
  const providers = useQuery({
    queryKey: ["sign-in-providers", door],
    queryFn: ({ signal }) => listSignInProviders(door, signal),
    staleTime: 60_000,
    // Who can't be offered another way still has the others.
    retry: false,
  });
  const start = useStartWithProvider(door, returnTo);
  const items = providers.data ?? [];
  if (items.length === 0) return null;
  return (
    <>
      <OrRule />
      <ul aria-label="Other ways to sign in" className="grid gap-2">
        {items.map((provider) => (
          <li key={provider.id}>
            <Button
              size="lg"
              loading={start.isPending && start.variables?.id === provider.id}
              disabled={start.isPending}
              onClick={() => start.mutate(provider)}
              className="w-full justify-center"
            >
              Continue with {provider.name}
            </Button>
          </li>
        ))}
      </ul>
      <FormFailure error={start.error} />
    </>
  );
}

/** Leaves for the provider; the browser comes back to `/sign-in/callback`. */
export function useStartWithProvider(door: Door, returnTo: string) {
  return useMutation({
    mutationFn: async (provider: Pick<SignInProvider, "id" | "name">) => {
      const address = await startWithProvider(door, provider.id, returnTo);
      rememberDeparture({ door, returnTo });
      window.location.assign(address);
      // The page is about to go: the button stays as it is until then.
      await new Promise(() => undefined);
    },
  });
}
