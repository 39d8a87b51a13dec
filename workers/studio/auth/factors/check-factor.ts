import type { UserId } from "../../../../core/ids.ts";
import { spendRecoveryCode } from "../../../../store/control/factors/recovery-codes.ts";
import { confirmedTotpSecret, spendTotpStep } from "../../../../store/control/factors/totp.ts";
import type { Refusal } from "../../http/result.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import * as throttle from "../throttle.ts";
import { recordFactorChange } from "./record-change.ts";
import { recoveryCodeHash } from "./recovery-codes.ts";
import { totpStepOf } from "./totp.ts";

/** A code that a person shows as their second factor. */
export type PresentedCode = { readonly otp: string } | { readonly recovery_code: string };

export type CodeCheck =
  | { readonly kind: "right" }
  | { readonly kind: "wrong" }
  | { readonly kind: "throttled"; readonly refusal: Refusal };

/**
 * Checks a code of an authenticator app or a recovery code, and uses it up: each is good once. Failures
 * slow the next one down, counted by the person, for whoever gets here knows the first factor.
 * @param who whose factor it must be
 */
export async function checkCode(
  context: RequestContext,
  who: { readonly user: UserId; readonly email: string },
  code: PresentedCode,
): Promise<CodeCheck> {
  const admission = await throttle.check(context, { kind: "factor", user: who.user });
  if (admission.kind === "throttled") return { kind: "throttled", refusal: throttle.throttledRefusal(admission) };
  const right = "otp" in code ? await spendOtp(context, who.user, code.otp) : await spendRecovery(context, who, code);
  if (!right) return { kind: "wrong" };
  throttle.succeeded(context, admission);
  return { kind: "right" };
}

async function spendOtp(context: RequestContext, user: UserId, otp: string): Promise<boolean> {
  const { services } = context;
  const stored = await confirmedTotpSecret(services.database, user);
  if (stored === null) return false;
  const secret = await services.open("totp-secret", stored.id, stored.sealedSecret);
  const step = await totpStepOf(secret, otp, services.now());
  return step !== null && (await spendTotpStep(services.database, context.write(), stored.id, step));
}

async function spendRecovery(
  context: RequestContext,
  who: { readonly user: UserId; readonly email: string },
  { recovery_code: text }: { readonly recovery_code: string },
): Promise<boolean> {
  const hash = recoveryCodeHash(text);
  if (hash === null) return false;
  if (!(await spendRecoveryCode(context.services.database, context.write(), who.user, hash))) return false;
  await recordFactorChange(context, who, { factor: "recovery_codes", action: "used" });
  return true;
}
