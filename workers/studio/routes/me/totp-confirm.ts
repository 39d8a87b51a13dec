import { z } from "@hono/zod-openapi";
import { confirmTotpSecret, waitingTotpSecret } from "../../../../store/control/factors/totp.ts";
import { firstRecoveryCodes } from "../../auth/factors/first-codes.ts";
import { otp } from "../../auth/factors/presented.ts";
import { recordFactorChange } from "../../auth/factors/record-change.ts";
import { totpStepOf } from "../../auth/factors/totp.ts";
import { renewSession } from "../../auth/renew-session.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";

/** The first code shows that the app has the secret; from then on its codes count, and those of one before don't. */
export const confirmTotp = defineRoute(
  "confirmTotp",
  {
    caller: "person",
    body: z.strictObject({ code: otp }),
    status: 200,
    answer: z.object({ recovery_codes: z.array(z.string()).optional() }),
  },
  async (context, { body }) => {
    const { services, person } = context;
    const { user } = person;
    const waiting = await waitingTotpSecret(services.database, user, services.now());
    if (waiting === null) return refuse("conflict", { detail: "Nothing waits for a code. Begin again." });
    const secret = await services.open("totp-secret", waiting.id, waiting.sealedSecret);
    const step = await totpStepOf(secret, body.code, services.now());
    if (step === null) {
      const errors = [{ path: "code", message: "is not the code that the app shows now" }];
      return refuse("invalid_request", { errors });
    }
    const confirmed = await confirmTotpSecret(services.database, context.write(), { id: waiting.id, user, step });
    if (confirmed === null) return refuse("conflict", { detail: "Nothing waits for a code. Begin again." });
    await recordFactorChange(context, person, { factor: "totp", action: confirmed.replaced ? "changed" : "added" });
    const codes = await firstRecoveryCodes(context);
    const renewal = await renewSession(context, { mfa: true });
    return renewal.kind === "ended" ? renewal.refusal : answer(codes, { headers: renewal.headers });
  },
);
