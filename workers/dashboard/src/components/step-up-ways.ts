import type { Security } from "../api/account.ts";
import type { ProofWays } from "./proof-form.tsx";

/**
 * Who has a second factor proves with that: the password alone would be the weaker half (NIST 800-63B-4
 * section 2.2.3).
 * @param passkeysWork whether this browser can use passkeys
 */
export function waysOf(security: Security, passkeysWork: boolean): ProofWays {
  const second = security.totp !== null || security.passkeys > 0;
  return {
    password: !second && security.password,
    totp: security.totp !== null,
    passkey: security.passkeys > 0 && passkeysWork,
    recoveryCode: second && security.recovery_codes.remaining > 0,
  };
}

/** The same by the names of the factors alone: who has none has a password, as far as can be told. */
export function waysOfFactors(factors: readonly string[], passkeysWork: boolean): ProofWays {
  const second = factors.includes("totp") || factors.includes("passkey");
  return {
    password: !second,
    totp: factors.includes("totp"),
    passkey: factors.includes("passkey") && passkeysWork,
    recoveryCode: second && factors.includes("recovery_code"),
  };
}
