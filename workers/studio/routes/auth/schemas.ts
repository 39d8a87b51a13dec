import { z } from "@hono/zod-openapi";
import { passwordCharactersMax, passwordCharactersMin, passwordLength } from "../../auth/passwords.ts";
import { idText, role } from "../../http/schemas.ts";

/** Long enough for 128 characters of four UTF-16 units, before normalisation. */
const passwordUnitsMax = passwordCharactersMax * 4;

/** A password somebody chooses: length alone counts, no composition rules (NIST 800-63B-4 §3.1.1.2). */
export const newPassword = z
  .string()
  .max(passwordUnitsMax)
  .refine(
    (text) => passwordLength(text) >= passwordCharactersMin,
    `must be at least ${passwordCharactersMin} characters long`,
  )
  .refine(
    (text) => passwordLength(text) <= passwordCharactersMax,
    `must be at most ${passwordCharactersMax} characters long`,
  )
  .openapi({ type: "string", minLength: passwordCharactersMin, maxLength: passwordCharactersMax });

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
