import { z } from "@hono/zod-openapi";
import { passwordCharactersMax, passwordUnitsMax } from "../../../../core/rpc/passwords.ts";
import { passwordCharactersMin, passwordCharactersMinWithFactor, passwordLength } from "../../auth/password-policy.ts";
import { idText, role } from "../../http/schemas.ts";

/** A password somebody chooses: length alone counts at the door, the rest is judged where the person is known. */
const chosen = (charactersMin: number) =>
  z
    .string()
    .max(passwordUnitsMax)
    .refine((text) => passwordLength(text) >= charactersMin, `must be at least ${charactersMin} characters long`)
    .refine(
      (text) => passwordLength(text) <= passwordCharactersMax,
      `must be at most ${passwordCharactersMax} characters long`,
    )
    .openapi({ type: "string", minLength: charactersMin, maxLength: passwordCharactersMax });

/** … when there can't be a second factor yet. */
export const newPassword = chosen(passwordCharactersMin);
/** … when there may be one; whether there is decides (auth/password-policy.ts). */
export const replacingPassword = chosen(passwordCharactersMinWithFactor);

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
/** `?tokens=1`: the client wants tokens besides the cookie. */
export const signInQuery = z.strictObject({ tokens: z.enum(["0", "1"]).optional() });
/** What every completed sign-in answers with. */
export const loginAnswer = z.object({ user, orgs: z.array(orgOfUser), ...tokens.partial().shape });
/** Options of a WebAuthn ceremony in JSON, which the browser judges member by member (WebAuthn §5.1.8, §5.1.9). */
export const browserOptions = z
  .custom<object>((value) => typeof value === "object" && value !== null)
  .openapi({ type: "object" });
