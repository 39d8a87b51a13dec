import { z } from "@hono/zod-openapi";
import { parseId } from "../../../../core/ids.ts";
import { type Ceremony, takeCeremony } from "../../../../store/control/ceremonies.ts";
import { type Provider, providersAt } from "../../../../store/control/outside/providers.ts";
import type { LoginAnswer } from "../../auth/complete-sign-in.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { admit, denyBeforeIssuer } from "../../auth/outside/admit.ts";
import { ceremonySecretOf } from "../../auth/outside/ceremony-cookie.ts";
import { clientSecrets } from "../../auth/outside/client-secrets.ts";
import { type Bindings, failed, type Returned, redeemCode } from "../../auth/outside/code-flow.ts";
import { type Door, doorOf } from "../../auth/outside/door.ts";
import type { Proof } from "../../auth/outside/identity.ts";
import { redirectUriOf } from "../../auth/outside/redirect-uri.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import type { Services } from "../../services.ts";
import { loginAnswer, signInQuery } from "./schemas.ts";

/** Longest of what an issuer returns: Microsoft's codes are some 2,000 characters. */
const returnedCharactersMax = 8192;
const returned = z.string().min(1).max(returnedCharactersMax);
const body = z
  .strictObject({ code: returned.optional(), error: returned.optional(), state: returned, iss: returned.optional() })
  .refine(({ code, error }) => (code === undefined) !== (error === undefined), "must have a code or an error");
const outsideAnswer = loginAnswer.extend({ return_to: z.string().nullable() });

export const finishOidc: RouteDefinition = defineFinish("finishOidc");
export const orgFinishOidc: RouteDefinition = defineFinish("orgFinishOidc");

function defineFinish(name: "finishOidc" | "orgFinishOidc"): RouteDefinition {
  return defineRoute(
    name,
    { caller: "anyone", query: signInQuery, body, status: 200, answer: outsideAnswer },
    async (context, input): Promise<HandlerResult<z.input<typeof outsideAnswer>>> => {
      const door = await doorOf(context);
      if (door.kind === "absent") return refuse("not_found");
      const ceremony = await takeOwnCeremony(context);
      const found = ceremony === null ? null : await begun(context, door, ceremony);
      // Another browser's, spent, too late, of another door, or of a provider that is gone: one answer.
      if (found === null) return denyBeforeIssuer(context);
      const proof = await prove(context.services, found.provider, found.bindings, input.body);
      const tokens = input.query.tokens === "1";
      const arrival = { provider: found.provider, method: "oidc", door: door.door, tokens } as const;
      return withReturn(await admit(context, arrival, proof), found.returnTo);
    },
  );
}

/** The ceremony of this browser's cookie; taken, so that it is good once however it ends. */
async function takeOwnCeremony(context: RequestContext): Promise<Ceremony | null> {
  const secret = ceremonySecretOf(context.cookieHeader);
  if (secret === null) return null;
  const key = { tokenHash: sha256Hex(secret), kind: "outside_sign_in" } as const;
  return takeCeremony(context.services.database, context.write(), key);
}

interface Begun {
  readonly provider: Provider & { readonly clientId: string };
  readonly bindings: Bindings;
  readonly returnTo: string | null;
}

/** What was begun, if it was at this very door (each is judged by a geo policy of its own) and the provider is still there. */
async function begun(
  { services, orgReference }: RequestContext,
  { door }: Extract<Door, { kind: "open" }>,
  { data }: Ceremony,
): Promise<Begun | null> {
  const id = parseId("provider", data["provider"]);
  const { state, nonce, verifier, return_to: returnTo } = data;
  if (data["door"] !== (door?.org ?? null) || typeof state !== "string") return null;
  if (typeof nonce !== "string" || typeof verifier !== "string") return null;
  const offered = await providersAt(services.database, orgReference);
  const provider = offered?.providers.find((one) => one.id === id);
  if (provider === undefined || provider.clientId === null) return null;
  return {
    provider: { ...provider, clientId: provider.clientId },
    bindings: { state, nonce, verifier },
    returnTo: typeof returnTo === "string" ? returnTo : null,
  };
}

async function prove(
  services: Services,
  provider: Begun["provider"],
  bindings: Bindings,
  returned: Returned,
): Promise<Proof> {
  const { discovery, codeFlow } = services.outside;
  let server: Awaited<ReturnType<typeof discovery.find>>;
  try {
    server = await discovery.find(provider.issuer);
  } catch (error) {
    return failed(error);
  }
  const asked = { bindings, returned, redirectUri: redirectUriOf(services.publicUrl) };
  return redeemCode(codeFlow, server, provider, asked, await clientSecrets(services, provider.id));
}

/** The page to go on to travels with the answer, and with the refusal that asks for one more step. */
function withReturn(
  result: HandlerResult<LoginAnswer>,
  returnTo: string | null,
): HandlerResult<z.input<typeof outsideAnswer>> {
  if (result.kind === "answer") {
    const { kind: _kind, body: signedIn, ...extra } = result;
    return answer({ ...signedIn, return_to: returnTo }, extra);
  }
  return result.extensions === undefined
    ? result
    : { ...result, extensions: { ...result.extensions, return_to: returnTo } };
}
