import { z } from "@hono/zod-openapi";
import { beginCeremony } from "../../../../store/control/ceremonies.ts";
import { providersAt } from "../../../../store/control/outside/providers.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { ceremonyCookie, ceremonyMsMax } from "../../auth/outside/ceremony-cookie.ts";
import { authorizationUrl, newBindings } from "../../auth/outside/code-flow.ts";
import { IssuerRefused, IssuerUnreachable } from "../../auth/outside/outbound.ts";
import { redirectUriOf } from "../../auth/outside/redirect-uri.ts";
import { makeSecret } from "../../auth/secrets.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf } from "../../http/schemas.ts";

/** A page of ours to return to: a path, never another site (`//other` and `/\other` are other sites to a browser). */
export const returnTo = z
  .string()
  .max(1024)
  .regex(/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/, "must be a path of this site");

export const startOidc: RouteDefinition = defineStart("startOidc");
export const orgStartOidc: RouteDefinition = defineStart("orgStartOidc");

/**
 * Begins a sign-in: what binds the answer (state, nonce, PKCE's verifier, the provider, the door) stays here,
 * found by a secret that only this browser's cookie holds.
 */
function defineStart(name: "startOidc" | "orgStartOidc"): RouteDefinition {
  return defineRoute(
    name,
    {
      caller: "anyone",
      params: z.strictObject({ provider: idOf("provider") }),
      body: z.strictObject({ return_to: returnTo.optional() }),
      status: 200,
      answer: z.object({ authorization_url: z.string() }),
    },
    async (context, { params, body }) => {
      const { services } = context;
      const offered = await providersAt(services.database, context.orgReference);
      if (offered === null) return refuse("not_found");
      const provider = offered.providers.find(({ id }) => id === params.provider);
      if (provider === undefined || provider.clientId === null) return refuse("not_found");
      try {
        const server = await services.outside.discovery.find(provider.issuer);
        const bindings = newBindings();
        const url = await authorizationUrl(
          server,
          { clientId: provider.clientId },
          bindings,
          redirectUriOf(services.publicUrl),
        );
        const browser = makeSecret(services.randomBytes);
        await beginCeremony(services.database, context.write(), {
          tokenHash: sha256Hex(browser),
          kind: "outside_sign_in",
          user: null,
          session: null,
          data: {
            provider: provider.id,
            door: offered.door?.org ?? null,
            ...bindings,
            return_to: body.return_to ?? null,
          },
          expiresAtMs: services.now() + ceremonyMsMax,
        });
        return answer({ authorization_url: url.href }, { headers: { "Set-Cookie": ceremonyCookie(browser) } });
      } catch (error) {
        if (error instanceof IssuerUnreachable) return refuse("unavailable", { headers: { "Retry-After": "2" } });
        if (error instanceof IssuerRefused) return refuse("provider_refused");
        throw error;
      }
    },
  );
}
