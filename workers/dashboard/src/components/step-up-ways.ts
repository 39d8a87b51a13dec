import type { Security } from "../api/account.ts";
import { factorsOf, hasSecondFactor } from "../second-factor.ts";
import type { ProofWays } from "./proof-form.tsx";

/**
 * Who has a second factor proves with that: the password alone would be the weaker half (NIST 800-63B-4
 * section 2.2.3).
 * @param passkeysWork whether this browser can use passkeys
 */
export function waysOf(security: Security, passkeysWork: boolean): ProofWays {
  const ways = waysOfFactors(factorsOf(security), passkeysWork);
  return { ...ways, password: ways.password && security.password };
}

/** The same by the names of the factors alone: who has none has a password, as far as can be told. */
export function waysOfFactors(factors: readonly string[], passkeysWork: boolean): ProofWays {
  const ways = secondWays(factors, passkeysWork);
  const second = hasSecondFactor(factors);
  return { ...ways, password: !second, recoveryCode: second && ways.recoveryCode };
}

/** What may be asked for beside a password, by the names of the factors. */
export function secondWays(factors: readonly string[], passkeysWork: boolean): ProofWays {
  return {
    password: false,
    totp: factors.includes("totp"),
    passkey: factors.includes("passkey") && passkeysWork,
    recoveryCode: factors.includes("recovery_code"),
  };
}
