import { z } from "@hono/zod-openapi";
import { factorsOf, secondFactors } from "../../../../store/control/factors/overview.ts";
import { findPasswordReset } from "../../../../store/control/password-resets.ts";
import { membershipsOf } from "../../../../store/control/users.ts";
import { judgeCode } from "../../auth/complete-sign-in.ts";
import { deviceCookie } from "../../auth/device-cookie.ts";
import type { PresentedCode } from "../../auth/factors/check-factor.ts";
import { otp, recoveryCode } from "../../auth/factors/presented.ts";
import { sha256Hex } from "../../auth/keys.ts";
import { objectionTo, refuseHash, refusePassword } from "../../auth/password-policy.ts";
import { replacePassword } from "../../auth/replace-password.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { nothing, opaqueSecret } from "../../http/schemas.ts";
import { replacingPassword } from "./schemas.ts";

const body = z.strictObject({
  token: opaqueSecret,
  password: replacingPassword,
  otp: otp.optional(),
  recovery_code: recoveryCode.optional(),
});
type Asked = z.output<typeof body>;

export const resetPassword: RouteDefinition = defineReset("resetPassword");
export const orgResetPassword: RouteDefinition = defineReset("orgResetPassword");

/**
 * Sets a new password with a mailed link, which never gets round a second factor (ASVS 6.4.3): who has one
 * shows it as well. The token stays good until everything else was right.
 */
function defineReset(name: "resetPassword" | "orgResetPassword"): RouteDefinition {
  return defineRoute(name, { caller: "anyone", body, status: 204, answer: nothing }, async (context, input) => {
    const { services } = context;
    const tokenHash = sha256Hex(input.body.token);
    const person = await findPasswordReset(services.database, tokenHash, services.now());
    if (person === null) return refuse("invalid_token");
    const [memberships, factors] = await Promise.all([
      membershipsOf(services.database, person.user),
      factorsOf(services.database, person.user),
    ]);
    const due = factors === null ? [] : secondFactors(factors);
    const { password } = input.body;
    const about = { ...person, organisations: memberships.flatMap(({ name: called, slug }) => [called, slug]) };
    const objection = objectionTo(password, about, due.length > 0);
    if (objection !== null) return refusePassword("password", objection, due.length > 0);
    const code = presentedCode(input.body);
    if (due.length > 0 && code === null) return refuse("mfa_required", { extensions: { factors: due } });
    // Before the code, which is used up: a common password must not cost one.
    const hashed = await services.passwords.hash(password);
    if (hashed.kind !== "ok") return refuseHash("password", hashed);
    const refused = due.length > 0 && code !== null ? await judgeCode(context, person, code, "password") : null;
    if (refused !== null) return refused;
    const replaced = await replacePassword(context, {
      who: person,
      password,
      hash: hashed.hash,
      by: { tokenHash },
      except: null,
      end: { reason: "factor_reset", by: person.user },
      action: "reset",
    });
    // The mailbox is proven, so whoever fails at the account meanwhile does not slow this browser down.
    return replaced
      ? answer(null, { headers: { "Set-Cookie": deviceCookie(context, person.user) } })
      : refuse("invalid_token");
  });
}

function presentedCode({ otp: typed, recovery_code: recovery }: Asked): PresentedCode | null {
  if (typed !== undefined) return { otp: typed };
  return recovery === undefined ? null : { recovery_code: recovery };
}
