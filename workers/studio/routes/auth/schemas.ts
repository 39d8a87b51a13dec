import { z } from "@hono/zod-openapi";
import { passwordCharactersMax, passwordUnitsMax } from "../../../../core/rpc/passwords.ts";
import { passwordCharactersMinWithFactor } from "../../auth/password-policy.ts";
import { idText, role } from "../../http/schemas.ts";

/**
 * A password somebody chooses. Here only its size is bounded; how long it must be depends on the person
 * (auth/password-policy.ts).
 */
export const newPassword = z
  .string()
  .min(1)
  .max(passwordUnitsMax)
  .openapi({ type: "string", minLength: passwordCharactersMinWithFactor, maxLength: passwordCharactersMax });

/** A password somebody says they have. */
export const presentedPassword = z.string().min(1).max(passwordUnitsMax);

export const user = z.object({ id: idText, email: z.string(), name: z.string() });
export const orgOfUser = z.object({ id: idText, slug: z.string(), name: z.string(), role });
export const tokens = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.int(),
});
/** What every completed sign-in answers with. */
export const loginAnswer = z.object({ user, orgs: z.array(orgOfUser), ...tokens.partial().shape });
/** Options of a WebAuthn ceremony in JSON, which the browser judges member by member (WebAuthn §5.1.8, §5.1.9). */
export const browserOptions = z
  .custom<object>((value) => typeof value === "object" && value !== null)
  .openapi({ type: "object" });
