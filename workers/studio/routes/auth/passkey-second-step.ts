import { z } from "@hono/zod-openapi";
import { findCeremony, setPasskeyChallenge } from "../../../../store/control/ceremonies.ts";
import { credentialsOf } from "../../../../store/control/factors/passkeys.ts";
import { makeChallenge } from "../../auth/factors/ceremonies.ts";
import { assertionOptions } from "../../auth/factors/passkeys.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { opaqueSecret } from "../../http/schemas.ts";
import { browserOptions } from "./schemas.ts";

export const loginMfaPasskeyOptions: RouteDefinition = defineOptions("loginMfaPasskeyOptions");
export const orgLoginMfaPasskeyOptions: RouteDefinition = defineOptions("orgLoginMfaPasskeyOptions");

/** Which passkeys of the person whose first step was right may answer, and to what. */
function defineOptions(name: "loginMfaPasskeyOptions" | "orgLoginMfaPasskeyOptions"): RouteDefinition {
  const shape = {
    caller: "anyone" as const,
    body: z.strictObject({ challenge: opaqueSecret }),
    status: 200 as const,
    answer: z.object({ options: browserOptions }),
  };
  return defineRoute(name, shape, async (context, { body }) => {
    const { services, orgReference } = context;
    const key = { tokenHash: sha256Hex(body.challenge), kind: "mfa" } as const;
    const found = await findCeremony(services.database, key, services.now());
    if (found === null || found.user === null || found.data["door"] !== orgReference) return refuse("invalid_token");
    const own = await credentialsOf(services.database, found.user);
    // An empty list would ask for anybody's passkey.
    if (own.length === 0) return refuse("not_found");
    const challenge = makeChallenge(services);
    if (!(await setPasskeyChallenge(services.database, context.write(), key, challenge.text))) {
      return refuse("invalid_token");
    }
    return answer({ options: await assertionOptions(services.publicUrl, own, challenge.bytes) });
  });
}
