import { z } from "@hono/zod-openapi";
import { recoveryCodesOf, replaceRecoveryCodes } from "../../../../store/control/factors/recovery-codes.ts";
import { recordFactorChange } from "../../auth/factors/record-change.ts";
import { makeRecoveryCodes } from "../../auth/factors/recovery-codes.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { instant } from "../../http/schemas.ts";

export const recoveryCodes = defineRoute(
  "recoveryCodes",
  {
    caller: "person",
    status: 200,
    answer: z.object({ remaining: z.int(), created_at: instant.nullable() }),
  },
  async ({ services, person }) => {
    const { remaining, createdAt } = await recoveryCodesOf(services.database, person.user);
    return answer({ remaining, created_at: createdAt });
  },
);

/** Ten new codes, shown once; all earlier ones end. They stand in for a factor, so there must be one. */
export const renewRecoveryCodes = defineRoute(
  "renewRecoveryCodes",
  { caller: "person", status: 200, answer: z.object({ codes: z.array(z.string()) }) },
  async (context) => {
    const { services, person } = context;
    if (!person.hasFactor) return refuse("conflict", { detail: "Set up a second factor first." });
    const made = makeRecoveryCodes(services.randomBytes);
    await replaceRecoveryCodes(services.database, context.write(), person.user, made.hashes);
    await recordFactorChange(context, person, { factor: "recovery_codes", action: "changed" });
    return answer({ codes: made.codes });
  },
);
