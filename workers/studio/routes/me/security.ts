import { z } from "@hono/zod-openapi";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { instant } from "../../http/schemas.ts";

/** What one can prove oneself with, and what this session has proven. */
export const security = defineRoute(
  "security",
  {
    caller: "person",
    status: 200,
    answer: z.object({
      password: z.boolean(),
      totp: z.object({ created_at: instant }).nullable(),
      passkeys: z.int(),
      recovery_codes: z.object({ remaining: z.int() }),
      proven_at: instant,
      mfa: z.boolean(),
    }),
  },
  async ({ person, own: { factors } }) => {
    if (factors === null) return refuse("not_found");
    return answer({
      password: factors.password,
      totp: factors.totpSince === null ? null : { created_at: factors.totpSince },
      passkeys: factors.passkeys,
      recovery_codes: { remaining: factors.recoveryCodes },
      proven_at: new Date(person.provenAtMs).toISOString(),
      mfa: person.mfa,
    });
  },
);
