import type { Security } from "./api/account.ts";
import type { SecondFactor } from "./api/sign-in.ts";

/** Whether somebody with these factors has a second one; a recovery code is none by itself. */
export function hasSecondFactor(factors: readonly string[]): boolean {
  return factors.includes("totp") || factors.includes("passkey");
}

/** What the account has, by the names that `/me` and a challenge use. */
export function factorsOf(security: Security): SecondFactor[] {
  return [
    ...(security.totp === null ? [] : ["totp" as const]),
    ...(security.passkeys > 0 ? ["passkey" as const] : []),
    ...(security.recovery_codes.remaining > 0 ? ["recovery_code" as const] : []),
  ];
}
