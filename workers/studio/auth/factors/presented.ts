import { z } from "@hono/zod-openapi";
import { recoveryCodeTextMax } from "./recovery-codes.ts";
import { totpCodePattern } from "./totp.ts";

/** Longest binary field of a passkey's answer, in base64url characters: attestation objects are about 1 KiB. */
const binaryCharactersMax = 16 * 1024;
/** WebAuthn §4: a credential id has at most 1023 bytes. */
const credentialIdCharactersMax = 1364;

const base64url = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[A-Za-z0-9_-]+$/);
const binary = base64url(binaryCharactersMax);
/** What the browser adds; extensions are not asked for, so nothing of them is read. */
const common = {
  id: base64url(credentialIdCharactersMax),
  rawId: base64url(credentialIdCharactersMax),
  type: z.literal("public-key"),
  authenticatorAttachment: z.enum(["platform", "cross-platform"]).optional(),
  clientExtensionResults: z
    .record(z.string().max(64), z.unknown())
    .transform(() => ({}))
    .openapi({ type: "object" }),
};

/** `PublicKeyCredential.toJSON()` of a registration (WebAuthn §5.1, RegistrationResponseJSON). */
export const registrationResponse = z.strictObject({
  ...common,
  response: z.strictObject({
    clientDataJSON: binary,
    attestationObject: binary,
    transports: z
      .array(
        z
          .string()
          .max(32)
          .regex(/^[a-z-]+$/),
      )
      .max(8)
      .optional(),
    // Copies of what the attestation object says; that one counts.
    authenticatorData: binary.optional(),
    publicKey: binary.optional(),
    publicKeyAlgorithm: z.int().optional(),
  }),
});

/** … of an assertion (AuthenticationResponseJSON). */
export const authenticationResponse = z.strictObject({
  ...common,
  response: z.strictObject({
    clientDataJSON: binary,
    authenticatorData: binary,
    signature: binary,
    userHandle: base64url(128).optional(),
  }),
});

/** A code of an authenticator app as a client sends it. */
export const otp = z
  .string()
  .regex(totpCodePattern, "must be six digits")
  .openapi({ type: "string", pattern: "^[0-9]{6}$" });
export const recoveryCode = z.string().min(1).max(recoveryCodeTextMax);

/** For a body whose fields are alternatives. @returns whether exactly one of them is there */
export function exactlyOneOf(...fields: readonly string[]): (body: Readonly<Record<string, unknown>>) => boolean {
  return (body) => fields.filter((field) => body[field] !== undefined).length === 1;
}
