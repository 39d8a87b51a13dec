import { z } from "@hono/zod-openapi";
import { providersAt } from "../../../../store/control/outside/providers.ts";
import { admit, denyToken } from "../../auth/outside/admit.ts";
import { clientSecrets } from "../../auth/outside/client-secrets.ts";
import { namedIssuer, verifySupabaseToken } from "../../auth/outside/supabase.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { refuse } from "../../http/result.ts";
import { loginAnswer, signInQuery } from "./schemas.ts";

/** Supabase's tokens carry the user's metadata; theirs may be some kilobytes. */
const tokenCharactersMax = 16 * 1024;
const body = z.strictObject({ access_token: z.string().min(1).max(tokenCharactersMax) });

export const exchangeToken: RouteDefinition = defineExchange("exchangeToken");
export const orgExchangeToken: RouteDefinition = defineExchange("orgExchangeToken");

function defineExchange(name: "exchangeToken" | "orgExchangeToken"): RouteDefinition {
  return defineRoute(
    name,
    { caller: "anyone", query: signInQuery, body, status: 200, answer: loginAnswer },
    async (context, input) => {
      const { services } = context;
      const offered = await providersAt(services.database, context.orgReference);
      if (offered === null) return refuse("not_found");
      const token = input.body.access_token;
      const issuer = namedIssuer(token);
      const provider = offered.providers.find(
        (candidate) => candidate.kind === "supabase" && candidate.issuer === issuer,
      );
      if (provider === undefined) return denyToken(context);
      const secrets = provider.signing === "hs256" ? await clientSecrets(services, provider.id) : [];
      const { issuerKeys } = services.outside;
      const proof = await verifySupabaseToken(token, provider, issuerKeys, secrets, services.now());
      const tokens = input.query.tokens === "1";
      return admit(context, { provider, method: "supabase", door: offered.door, tokens }, proof);
    },
  );
}
