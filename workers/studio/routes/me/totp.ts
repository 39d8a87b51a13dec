import { z } from "@hono/zod-openapi";
import { addTotpSecret } from "../../../../store/control/factors/totp.ts";
import { makeTotpSecret, totpSetup } from "../../auth/factors/totp.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";

/** A new secret for an authenticator app. Nothing changes until its first code (`confirmTotp`). */
export const addTotp = defineRoute(
  "addTotp",
  { caller: "person", status: 200, answer: z.object({ secret: z.string(), uri: z.string() }) },
  async (context) => {
    const { services, person } = context;
    const secret = makeTotpSecret(services.randomBytes);
    const id = services.makeId("totpSecret");
    const sealedSecret = await services.seal("totp-secret", id, secret);
    await addTotpSecret(services.database, context.write(), { id, user: person.user, sealedSecret });
    return answer(totpSetup(secret, person.email));
  },
);
