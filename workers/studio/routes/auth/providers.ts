import { z } from "@hono/zod-openapi";
import { type ProviderKind, providerKinds, providersAt } from "../../../../store/control/outside/providers.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idText } from "../../http/schemas.ts";

/** Supabase has no sign-in page to send a browser to: its own client signs in, and `/auth/exchange` takes its token. */
const withPage: readonly ProviderKind[] = providerKinds.filter((kind) => kind !== "supabase");

const item = z.object({ id: idText, name: z.string(), kind: z.enum(providerKinds) });

export const signInProviders: RouteDefinition = defineProviders("signInProviders");
export const orgSignInProviders: RouteDefinition = defineProviders("orgSignInProviders");

function defineProviders(name: "signInProviders" | "orgSignInProviders"): RouteDefinition {
  return defineRoute(
    name,
    {
      caller: "anyone",
      status: 200,
      answer: z.object({ items: z.array(item) }),
      unaudited: "what every visitor's sign-in page shows",
    },
    async (context) => {
      const offered = await providersAt(context.services.database, context.orgReference);
      if (offered === null) return refuse("not_found");
      const items = offered.providers
        .filter(({ kind }) => withPage.includes(kind))
        .map(({ id, name, kind }) => ({ id, name, kind }));
      return answer({ items });
    },
  );
}
