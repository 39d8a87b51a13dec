import { generateURI, ScureBase32Plugin, verify } from "otplib";

/** 160 bits, as long as HMAC-SHA-1's output (RFC 4226 §4 R6). */
const secretBytes = 20;
/** RFC 6238's defaults, which are all that authenticator apps agree on. */
const stepSeconds = 30;
const codeDigits = 6;
const issuer = "Sentinel";
const base32 = new ScureBase32Plugin();

/** Six digits; what a person types between them is not taken. */
export const totpCodePattern = /^[0-9]{6}$/;

export function makeTotpSecret(randomBytes: (length: number) => Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return randomBytes(secretBytes);
}

/** The secret as a person types it, and as an app scans it (Key URI Format: issuer and account). */
export function totpSetup(secret: Uint8Array, account: string): { readonly secret: string; readonly uri: string } {
  const text = base32.encode(secret, { padding: false });
  const uri = generateURI({
    issuer,
    label: account,
    secret: text,
    algorithm: "sha1",
    digits: codeDigits,
    period: stepSeconds,
  });
  return { secret: text, uri };
}

/**
 * Which time step a code is of: the present one or one beside it (RFC 6238 §5.2: transmission and a clock
 * that is a little off). Compared in constant time.
 * @returns the step, for the caller to use up; null for a wrong code
 */
export async function totpStepOf(secret: Uint8Array, code: string, nowMs: number): Promise<number | null> {
  if (!totpCodePattern.test(code)) return null;
  const result = await verify({
    secret,
    token: code,
    epoch: Math.floor(nowMs / 1000),
    epochTolerance: stepSeconds,
    period: stepSeconds,
    digits: codeDigits,
    algorithm: "sha1",
  });
  return result.valid && "timeStep" in result ? result.timeStep : null;
}
